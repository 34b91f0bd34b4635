import Foundation

/// A VFREEBUSY to be written (RFC 5545, section 3.6.4): when something is taken, and nothing more.
public struct FreeBusy: Sendable {
    /// FBTYPE (RFC 5545, section 3.2.9).
    public enum Kind: Sendable, CaseIterable {
        case busy
        case tentative
        case unavailable
    }

    /// What it is known by, for ever.
    public var uid: String
    /// When it last changed.
    public var modifiedAt: Date
    /// What it tells of.
    public var span: Range<Date>
    /// What is taken, each kind in order of time.
    public var periods: [(kind: Kind, period: Range<Date>)]

    /// What is taken within a span.
    public init(
        uid: String, modifiedAt: Date, span: Range<Date>,
        periods: [(kind: Kind, period: Range<Date>)]
    ) {
        self.uid = uid
        self.modifiedAt = modifiedAt
        self.span = span
        self.periods = periods
    }

    func write(to lines: inout ContentWriter) {
        lines.begin("VFREEBUSY")
        lines.property("UID", text: uid)
        lines.property("DTSTAMP", utc: modifiedAt)
        lines.property("DTSTART", utc: span.lowerBound)
        lines.property("DTEND", utc: span.upperBound)
        for (kind, period) in periods {
            switch kind {
            case .busy: lines.property("FREEBUSY;FBTYPE=BUSY", period: period)
            case .tentative: lines.property("FREEBUSY;FBTYPE=BUSY-TENTATIVE", period: period)
            case .unavailable: lines.property("FREEBUSY;FBTYPE=BUSY-UNAVAILABLE", period: period)
            }
        }
        lines.end("VFREEBUSY")
    }
}
