import Foundation

/// A VEVENT as read from a calendar (RFC 5545, section 3.6.1).
public struct CalendarEvent: Hashable, Sendable {
    /// STATUS.
    public enum Status: String, Hashable, Sendable {
        case tentative = "TENTATIVE"
        case confirmed = "CONFIRMED"
        case cancelled = "CANCELLED"
    }

    /// The line of its BEGIN, from 1.
    public var line: Int
    /// What it is known by, for ever; empty where it says nothing.
    public var uid: String
    /// How often it was revised; 0 where it says nothing.
    public var sequence: Int
    /// The start of the occurrence that it stands for, in the event with the same UID.
    public var recurrenceID: Date?
    /// Its first instant; of a series, of the first occurrence.
    public var start: Date
    /// The first instant that is no longer part of it; never before `start`.
    public var end: Date
    /// How long each of its occurrences takes.
    public var length: CalendarLength
    /// The zone in which it recurs.
    public var zone: ZoneRules
    /// The IANA name of the zone; nil for one that only the calendar's own VTIMEZONE describes.
    public var timeZone: String?
    /// What it is about.
    public var summary: String
    /// More about it.
    public var description: String
    /// Where it is.
    public var location: String
    /// What sort of event it is.
    public var categories: [String]
    /// Nil where it says nothing, or what is none of the three.
    public var status: Status?
    /// It keeps nobody from the time (TRANSP:TRANSPARENT).
    public var isTransparent: Bool
    /// When it comes back; not yet judged.
    public var rule: String?
    /// Starts that are left out.
    public var exclusions: [Date]
    /// Further starts.
    public var additions: [Date]
    /// The ends of further starts that were given as periods; all others take `length`.
    public var additionEnds: [Date: Date]
}
