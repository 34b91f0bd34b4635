import Foundation

/// A VEVENT to be written (RFC 5545, section 3.6.1).
public struct CalendarEntry: Sendable {
    /// STATUS.
    public enum Status: Sendable {
        case tentative
        case confirmed
        case cancelled
    }

    /// What it is known by, for ever.
    public var uid: String
    /// SEQUENCE: how often it was revised.
    public var sequence: Int
    /// CREATED.
    public var createdAt: Date
    /// LAST-MODIFIED, and DTSTAMP, which without a METHOD says the same (RFC 5545, section 3.8.7.2).
    public var modifiedAt: Date
    /// The first instant; of a series, of its first occurrence.
    public var start: Date
    /// The first instant that is no longer part of it.
    public var end: Date
    /// Which occurrence of the series it stands for.
    public var recurrenceID: Date?
    /// The clock of the series that it belongs to; nil: all its times are in UTC.
    public var clock: SeriesClock?
    /// How it comes back; nil when it does not, and for what stands for one occurrence.
    public var recurrence: Recurrence?
    /// STATUS.
    public var status: Status
    /// SUMMARY.
    public var summary: String
    /// DESCRIPTION; empty: none.
    public var description = ""
    /// LOCATION; empty: none.
    public var location = ""
    /// CATEGORIES.
    public var categories: [String] = []
    /// URL; nil: none.
    public var url: String?
    /// COLOR, a CSS3 name.
    public var color: String?
    /// Whether it keeps others from the time (TRANSP).
    public var isOpaque = true

    /// An event.
    public init(
        uid: String, sequence: Int, createdAt: Date, modifiedAt: Date, start: Date, end: Date,
        status: Status, summary: String
    ) {
        self.uid = uid
        self.sequence = sequence
        self.createdAt = createdAt
        self.modifiedAt = modifiedAt
        self.start = start
        self.end = end
        self.status = status
        self.summary = summary
    }

    func write(to lines: inout ContentWriter) {
        lines.begin("VEVENT")
        lines.property("UID", text: uid)
        lines.property("DTSTAMP", utc: modifiedAt)
        lines.property("CREATED", utc: createdAt)
        lines.property("LAST-MODIFIED", utc: modifiedAt)
        lines.property("SEQUENCE", plain: String(sequence))
        writeTimes(to: &lines)
        lines.property("SUMMARY", text: summary)
        if !location.isEmpty { lines.property("LOCATION", text: location) }
        if !description.isEmpty { lines.property("DESCRIPTION", text: description) }
        if !categories.isEmpty { lines.property("CATEGORIES", texts: categories) }
        switch status {
        case .tentative: lines.property("STATUS", "TENTATIVE")
        case .confirmed: lines.property("STATUS", "CONFIRMED")
        case .cancelled: lines.property("STATUS", "CANCELLED")
        }
        lines.property("TRANSP", isOpaque ? "OPAQUE" : "TRANSPARENT")
        if let color { lines.property("COLOR", plain: color) }
        if let url { lines.property("URL", plain: url) }
        lines.end("VEVENT")
    }
}

extension CalendarEntry {
    private func writeTimes(to lines: inout ContentWriter) {
        if let recurrenceID { lines.property("RECURRENCE-ID", [recurrenceID], on: clock) }
        let isChanged = clock?.isChanged(from: start, to: end) ?? false
        // An instant is the same on every clock, even where that clock shows it twice.
        let ownClock = isChanged && recurrence == nil ? nil : clock
        lines.property("DTSTART", [start], on: ownClock)
        if isChanged, recurrence != nil {
            // What all occurrences last: DTEND would say what this one's clock counts.
            lines.property("DURATION", plain: "PT\(Int(end.timeIntervalSince(start)))S")
        } else {
            lines.property("DTEND", [end], on: ownClock)
        }
        guard let recurrence else { return }
        lines.property("RRULE", plain: recurrence.rule.ending(in: clock?.zone).description)
        if !recurrence.exclusions.isEmpty {
            lines.property("EXDATE", recurrence.exclusions, on: clock)
        }
        if !recurrence.additions.isEmpty {
            lines.property("RDATE", recurrence.additions, on: clock)
        }
    }
}

extension RecurrenceRule {
    /// The same rule with its end as RFC 5545, section 3.3.10, wants it beside a DTSTART with a zone or in UTC:
    /// UNTIL in UTC.
    fileprivate func ending(in zone: ZoneRules?) -> RecurrenceRule {
        guard case .local(let local) = end else { return self }
        var rule = self
        rule.end = .instant(zone?.calendarInstant(of: local) ?? local.utcInstant)
        return rule
    }
}
