import Foundation

/// The events of a calendar, each read or refused with its line; none is lost.
public struct CalendarFile: Sendable {
    /// The events that can be used, in the file's order.
    public private(set) var events: [CalendarEvent] = []
    /// What is wrong with the others, in the file's order.
    public private(set) var faults: [CalendarFault] = []

    /// The largest file, in bytes.
    private static let largest = 64 << 20

    /// Reads a file of one calendar or several (RFC 5545, section 3.4).
    ///
    /// Days, and times without a zone, are read in the zone that the calendar names for itself
    /// (`X-WR-TIMEZONE`), else in `zone`. `named` gives a zone by its IANA name and is asked once for each
    /// name; a TZID that leads to none, by itself, by its Windows name or by the end of its path, is looked for
    /// among the file's own VTIMEZONEs.
    ///
    /// Throws ``CalendarFault`` for what is no calendar, has no end, nests deeper than 32, is no UTF-8 outside
    /// of events, has more than 64 mebibytes or two million lines, or a line over a mebibyte. O(bytes), no
    /// recursion: a million lines of events take 1 s, as many that are not read 0.15 s.
    public init(
        _ data: Data, zone: (name: String, rules: ZoneRules),
        named: @escaping (String) -> (name: String, rules: ZoneRules)?
    ) throws(CalendarFault) {
        guard data.count <= Self.largest else {
            throw CalendarFault(line: 1, detail: "is larger than \(Self.largest) bytes: split it")
        }
        let calendars = try data.withUnsafeBytes { bytes in
            Result { () throws(CalendarFault) in try CalendarParts.calendars(in: bytes) }
        }.get()
        for calendar in calendars {
            var zones = CalendarZones(calendar, standard: zone, named: named)
            for event in calendar.events {
                if let fault = event.fault {
                    faults.append(fault.about(event))
                    continue
                }
                do throws(CalendarFault) {
                    events.append(try CalendarEvent(event, in: &zones))
                } catch {
                    faults.append(error.about(event))
                }
            }
        }
        faults.sort { $0.line < $1.line }
    }
}

extension CalendarFault {
    fileprivate func about(_ event: CalendarParts.Part) -> CalendarFault {
        CalendarFault(line: line, detail: detail, uid: event.first(.uid)?.text)
    }
}
