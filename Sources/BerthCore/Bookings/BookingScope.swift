/// How much of a series a move or an edit of one of its bookings bears on. Elsewhere, all three are the same.
public enum BookingScope: String, Sendable, CaseIterable {
    /// That booking alone.
    case this
    /// It, and those that the rule has later.
    case following
    /// Every booking of the series that is not over.
    case all
}
