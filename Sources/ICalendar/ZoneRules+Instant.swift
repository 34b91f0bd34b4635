import Foundation

extension ZoneRules {
    /// The instant that a local time means in a calendar (RFC 5545, section 3.3.5): one that clocks skip is
    /// read with the offset before the gap; of two, it is the first.
    public func calendarInstant(of local: CivilTime) -> Date {
        switch reading(of: local) {
        case .once(let instant): return instant
        case .repeated(let instants): return instants[0]
        case .skipped(let from, _, let at):
            return at.addingTimeInterval(Double(local.seconds - from.seconds))
        }
    }
}
