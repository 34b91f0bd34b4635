import Foundation
import ICalendar

extension ZoneRules {
    /// The one instant at which clocks in this zone show a reading.
    ///
    /// - Throws: ``LocalTimeError`` when there is no such instant, or more than one.
    public func instant(of local: CivilTime) throws(LocalTimeError) -> Date {
        switch reading(of: local) {
        case .once(let instant):
            return instant
        case .skipped(let from, let to, _):
            throw .doesNotExist(local, zone: identifier, from: from, to: to)
        case .repeated(let instants):
            let readings = instants.map { instant in
                RFC3339.text(instant, offset: offset(at: instant))
            }
            throw .ambiguous(local, zone: identifier, readings: readings)
        }
    }
}

/// Why a local time names no single instant.
public enum LocalTimeError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Clocks jump over it, from the reading `from` to the reading `to`.
    case doesNotExist(CivilTime, zone: String, from: CivilTime, to: CivilTime)
    /// Clocks show it more than once; `readings` are those instants in RFC 3339, with offset.
    case ambiguous(CivilTime, zone: String, readings: [String])

    /// What is wrong, and the times that could have been meant.
    public var description: String {
        switch self {
        case .doesNotExist(let local, let zone, let from, let to):
            // People write minutes: the last valid one is whole, whatever second the jump is at.
            let last = CivilTime(seconds: from.seconds - 60)
            return "\(local) does not exist in \(zone): clocks go from \(from) to \(to); "
                + "the nearest valid times are \(last) and \(to)"
        case .ambiguous(let local, let zone, let readings):
            return "\(local) is ambiguous in \(zone), where clocks are put back: write "
                + readings.joined(separator: " or ")
        }
    }
}
