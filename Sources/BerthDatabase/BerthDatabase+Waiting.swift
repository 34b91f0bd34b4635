import BerthCore
import Foundation

extension BerthDatabase {
    /// How often a booking is looked at for one who waits for it to change. All who wait are read together.
    private static let glance = Duration.milliseconds(200)

    /// The booking as soon as its state is another than the one seen, or after so many seconds as it is then. At
    /// once when nothing more can happen to it. Throws `.notFound`.
    public func booking(_ seen: Booking, changedWithin seconds: Int) async throws -> Booking {
        let end = ContinuousClock.now + .seconds(seconds)
        var booking = seen
        while booking.state == seen.state, !seen.state.isOver, ContinuousClock.now < end {
            try await Task.sleep(for: Self.glance)
            booking = try await self.booking(seen.reference)
        }
        return booking
    }
}
