import BerthCore
import Foundation

/// A use that is being asked for, to be held against what others hold.
struct Proposal: Sendable {
    var draft: BookingDraft
    var environments: [TestEnvironment]
    /// The booking that is being moved: it does not stand in its own way.
    var moving: BookingReference?
}
