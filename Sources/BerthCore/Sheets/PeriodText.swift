import Foundation
import ICalendar

/// The cells of a row that together say when.
struct PeriodText {
    let from: String
    let to: String
    let minutes: String
    let pattern: DatePattern?

    /// The period in the zones of the row's environments; nil where no zone is known, because no
    /// environment is, and the cells are fine by themselves.
    ///
    /// - Throws: ``CellFault`` naming the field at fault.
    func period(in zones: [ZoneRules]) throws(CellFault) -> Range<Date>? {
        let start = try time(from, field: "from")
        let end = to.isEmpty ? nil : try time(to, field: "to")
        let length = try CellText.number(
            minutes, field: "minutes", in: 1...Limits.bookingMinutes)
        guard end != nil || length != nil else {
            throw CellFault("to: empty; write when the booking ends, or how many minutes it takes")
        }
        guard !zones.isEmpty else { return nil }
        let starts = try instant(start, in: zones, field: "from")
        var ends = length.map { starts.addingTimeInterval(Double($0) * 60) }
        if let end {
            let written = try instant(end, in: zones, field: "to")
            guard ends == nil || ends == written else {
                throw CellFault("minutes: \(minutes) and to “\(to)” disagree; keep one of them")
            }
            ends = written
        }
        guard let ends, starts < ends else {
            throw CellFault(
                starts == ends
                    ? "to: “\(to)” is also the start; a booking takes some time"
                    : "to: “\(to)” lies before from “\(from)”; exchange them")
        }
        return starts..<ends
    }

    private func time(_ cell: String, field: String) throws(CellFault) -> TimeText {
        guard !cell.isEmpty else {
            throw CellFault("\(field): empty; write for example 2027-03-01 09:00")
        }
        do {
            return try TimeText(cell, pattern: pattern)
        } catch {
            throw CellFault("\(field): \(error)")
        }
    }

    private func instant(
        _ time: TimeText, in zones: [ZoneRules], field: String
    ) throws(CellFault) -> Date {
        var found: Date?
        for zone in zones {
            let instant: Date
            do {
                instant = try time.instant(in: zone)
            } catch {
                throw CellFault("\(field): \(error)")
            }
            guard found == nil || found == instant else {
                throw CellFault(
                    "\(field): the environments are in several zones, where the same local time "
                        + "is not the same instant; write an offset, or fill timeZone")
            }
            found = instant
        }
        guard let found else { throw CellFault("\(field): no zone to read it in") }
        return found
    }
}
