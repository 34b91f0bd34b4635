import Foundation

/// Writes a calendar (RFC 5545, with the names, colours and refresh intervals of RFC 7986), part by part, so
/// that a calendar of any size takes the memory of one part: a head, its zones, its events, an end.
///
/// What it writes is a function of what it is given: no clock, no random number.
public struct CalendarWriter: Sendable {
    /// What stands at the head of a calendar.
    public struct Head: Sendable {
        /// The program that wrote it.
        public var productID: String
        /// What clients call it; nil where nobody shows it.
        public var name: String?
        /// More about it.
        public var description: String?
        /// A CSS3 colour name.
        public var color: String?
        /// How often clients should ask again, in hours.
        public var refreshHours: Int?

        /// The head of a calendar.
        public init(
            productID: String, name: String? = nil, description: String? = nil,
            color: String? = nil, refreshHours: Int? = nil
        ) {
            self.productID = productID
            self.name = name
            self.description = description
            self.color = color
            self.refreshHours = refreshHours
        }
    }

    private var lines: ContentWriter

    /// A calendar that begins with this head.
    public init(_ head: Head) {
        lines = ContentWriter(reservingCapacity: 64 * 1024)
        lines.begin("VCALENDAR")
        lines.property("VERSION", "2.0")
        lines.property("PRODID", text: head.productID)
        lines.property("CALSCALE", "GREGORIAN")
        if let name = head.name {
            lines.property("NAME", text: name)
            lines.property("X-WR-CALNAME", text: name)
        }
        if let description = head.description {
            lines.property("DESCRIPTION", text: description)
            lines.property("X-WR-CALDESC", text: description)
        }
        if let color = head.color { lines.property("COLOR", plain: color) }
        if let hours = head.refreshHours {
            lines.property("REFRESH-INTERVAL;VALUE=DURATION", plain: "PT\(hours)H")
            lines.property("X-PUBLISHED-TTL", plain: "PT\(hours)H")
        }
    }

    /// How many bytes wait to be taken.
    public var count: Int { lines.bytes.count }

    /// What was written since it was last taken.
    public mutating func take() -> [UInt8] {
        lines.take()
    }

    /// Writes a zone's rules as far as they are needed for a span. Before the events that name it.
    public mutating func write(_ zone: ZoneRules, covering span: Range<Date>) {
        zone.write(covering: span, to: &lines)
    }

    /// Writes an event.
    public mutating func write(_ event: CalendarEntry) {
        event.write(to: &lines)
    }

    /// Writes what is busy.
    public mutating func write(_ busy: FreeBusy) {
        busy.write(to: &lines)
    }

    /// Ends the calendar.
    public mutating func end() {
        lines.end("VCALENDAR")
    }
}
