import BerthCore
import Foundation

/// A use that is being asked for, to be held against what others hold.
struct Proposal: Sendable {
    var draft: BookingDraft
    var environments: [TestEnvironment]
    /// Bookings that are being moved: they do not stand in their own way.
    var moving: [BookingReference] = []
}
