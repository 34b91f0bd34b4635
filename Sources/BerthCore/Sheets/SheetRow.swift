import Foundation

/// A row of a booking sheet that can be tried as a booking.
public struct SheetRow: Hashable, Sendable {
    /// Where it stands, and its fields as read.
    public let source: SheetSource
    /// What the row is known by when the sheet is imported again.
    public let identity: SheetIdentity
    /// The keys, as the zone look-up knows them, each once, in the order written; never empty.
    public let environments: [String]
    /// Half-open, never empty, whole seconds.
    public let period: Range<Date>
    /// 1 to ``Limits/titleCharacters`` characters.
    public let title: String
    /// Exclusive where the sheet says nothing.
    public let mode: Booking.Mode
    /// The team; nil where the sheet says nothing, as for the three below.
    public let team: String?
    /// Who to ask.
    public let contact: String?
    /// A reference into a ticket system.
    public let ticket: String?
    /// Up to ``Limits/notesCharacters`` characters, line ends as LF.
    public let notes: String?
    /// Empty where the sheet says nothing.
    public let labels: [String: String]
    /// The IANA zone that the row names for itself.
    public let timeZone: String?

    /// The line of the file, from 1, on which the row starts.
    public var line: Int { source.line }
    /// The row's number among the rows that are not blank, from 1.
    public var place: Int { source.place }
}

/// What became of one row of a sheet.
public enum SheetEntry<Row: Sendable>: Sendable {
    /// It can be tried.
    case row(Row)
    /// It cannot.
    case reject(SheetReject)
}

extension SheetEntry: Equatable where Row: Equatable {}
extension SheetEntry: Hashable where Row: Hashable {}
