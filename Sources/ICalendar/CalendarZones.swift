import Foundation

/// The zones that a calendar's TZIDs mean (RFC 5545, sections 3.2.19 and 3.6.5), each found once.
struct CalendarZones {
    /// Rules, and their IANA name; nil for those of the calendar's own VTIMEZONE.
    typealias Zone = (name: String?, rules: ZoneRules)
    typealias NamedZone = (name: String, rules: ZoneRules)

    static let utc: Zone = ("UTC", ZoneRules(.gmt))

    /// The longest TZID, in bytes, and the most that one calendar uses; the most of them that only its own
    /// VTIMEZONEs describe, because those are expanded.
    private static let longestName = 255
    private static let mostNames = 500
    private static let mostOwn = 16

    /// The zone of days, and of times that name none.
    private(set) var standard: Zone
    private let named: (String) -> NamedZone?
    private var own: [String: CalendarParts.Part] = [:]
    /// By TZID, those that lead to none included: each look-up asks the system.
    private var known: [String: Zone?] = [:]
    private var expanded = 0

    init(
        _ calendar: CalendarParts, standard: NamedZone,
        named: @escaping (String) -> NamedZone?
    ) {
        self.standard = (standard.name, standard.rules)
        self.named = named
        for zone in calendar.zones {
            guard let id = zone.text(.tzid), own[id] == nil else { continue }
            own[id] = zone
        }
        if let name = calendar.zoneName, let zone = iana(name) {
            self.standard = (zone.name, zone.rules)
        }
    }

    /// The zone of a TZID. Throws ``CalendarFault`` for one that nothing describes.
    mutating func zone(_ id: String, line: Int) throws(CalendarFault) -> Zone {
        let id = String(id[...].trimmingSpaces)
        if let zone = known[id] {
            if let zone { return zone }
            throw CalendarFault(
                line: line, detail: "TZID \(id.prefix(80)) is no zone, as was said before")
        }
        guard known.count < Self.mostNames else {
            throw CalendarFault(line: line, detail: "is one of more than \(Self.mostNames) TZIDs")
        }
        known[id] = .some(nil)
        let zone = try found(id, line: line)
        known[id] = zone
        return zone
    }

    private mutating func found(_ id: String, line: Int) throws(CalendarFault) -> Zone {
        if let zone = iana(id) { return (zone.name, zone.rules) }
        guard let part = own[id] else {
            throw CalendarFault(
                line: line,
                detail: "TZID \(id.prefix(80)) is no IANA zone and has no VTIMEZONE; "
                    + "write Europe/London")
        }
        for name in [ContentLine.Name.licLocation, .location] {
            if let zone = part.text(name).flatMap(iana) { return (zone.name, zone.rules) }
        }
        expanded += 1
        guard expanded <= Self.mostOwn else {
            throw CalendarFault(
                line: line, detail: "is one of more than \(Self.mostOwn) zones without an IANA name"
            )
        }
        do throws(CalendarFault) {
            return (nil, try ZoneRules(part, identifier: id))
        } catch {
            throw CalendarFault(
                line: line, detail: "TZID \(id.prefix(80)) cannot be read: \(error)")
        }
    }

    /// The IANA zone that a name means: as it is, as Windows has it, or at the end of a path.
    private func iana(_ name: String) -> NamedZone? {
        guard name.utf8.count <= Self.longestName else { return nil }
        if let zone = named(name) { return zone }
        if let known = WindowsZones.name(of: name) { return named(known) }
        // America/Argentina/Buenos_Aires is the longest kind of name that there is.
        for count in [3, 2] {
            let end = name.split(separator: "/").suffix(count)
            if end.count == count, let zone = named(end.joined(separator: "/")) { return zone }
        }
        return nil
    }
}

extension CalendarParts.Part {
    /// The text of its first property of a name.
    func text(_ name: ContentLine.Name) -> String? {
        first(name).map { String($0.text[...].trimmingSpaces) }
    }
}
