import BerthCore

/// What an event means to Berth.
enum EventReading: Sendable, Equatable {
    /// Something changed.
    case change(ReportedChange)
    /// It is accepted, and tells nothing that is logged: why.
    case ignored(String)
}
