import Foundation

/// A DATE or DATE-TIME of a property, with what it means (RFC 5545, sections 3.3.4 and 3.3.5).
struct CalendarTime {
    let instant: Date
    let local: CivilTime
    let zone: CalendarZones.Zone
    let isDay: Bool

    init(_ property: ContentLine, in zones: inout CalendarZones) throws(CalendarFault) {
        try self.init(property.value.trimmingSpaces, of: property, in: &zones)
    }

    /// Throws ``CalendarFault`` for what is no time of the years 1 to 9999, and for a zone that is not known.
    init(
        _ text: Substring, of property: ContentLine, in zones: inout CalendarZones
    ) throws(CalendarFault) {
        let text = text.trimmingSpaces
        let isUTC = text.utf8.last == UInt8(ascii: "Z") || text.utf8.last == UInt8(ascii: "z")
        guard let local = CivilTime(basicText: isUTC ? text.dropLast() : text, isEndOfDay: false),
            local.year > 0
        else {
            throw CalendarFault(
                line: property.line,
                detail: "\(property.name.rawValue) is no date or time: \(text.prefix(40))")
        }
        self.local = local
        isDay = text.utf8.count == 8
        if isUTC {
            zone = CalendarZones.utc
        } else if let id = property.parameter("TZID") {
            zone = try zones.zone(id, line: property.line)
        } else {
            zone = zones.standard
        }
        instant = zone.rules.calendarInstant(of: local)
    }

    /// The instant at which clocks show this time of day on the day of another time.
    func instant(onDayOf day: CalendarTime) -> Date {
        zone.rules.calendarInstant(
            of: CivilTime(seconds: day.local.dayNumber * 86_400 + local.secondOfDay))
    }
}
