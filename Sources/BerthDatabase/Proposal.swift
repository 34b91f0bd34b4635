import BerthCore
import Foundation

/// A use that is being asked for, to be held against what others hold.
struct Proposal: Sendable {
    var draft: BookingDraft
    var environments: [TestEnvironment]
    /// Bookings that are being moved: they do not stand in their own way.
    var moving: [BookingReference] = []
    /// The booking that is to become this; nil: a new one.
    var booking: Booking?
    /// The occurrences of a series; nil: it is one booking.
    var occurrences: [Range<Date>]?

    /// When it is to be used.
    var periods: [Range<Date>] { occurrences ?? [draft.startsAt..<draft.endsAt] }

    /// Whether its booking has begun, so that its start stays.
    var hasBegun: Bool {
        booking.map { $0.state == .active || $0.life.approvedVersion != nil } ?? false
    }
}
