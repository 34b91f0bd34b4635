/// Why a row of a sheet was not imported.
public enum RejectReason: String, CaseIterable, Hashable, Sendable {
    /// A cell, or the row as a whole, cannot be read or breaks a limit.
    case invalid
    /// It names an environment that does not exist.
    case unknownEnvironment = "unknown-environment"
    /// An earlier row of the same sheet says what this one says again, otherwise.
    case duplicate
    /// It overlaps what is booked or planned.
    case conflict
    /// A policy of the environment forbids it.
    case policy
    /// The caller may not do this.
    case forbidden
}

/// A row that was not imported, with all that is needed to fix it and import it again.
public struct SheetReject: Hashable, Sendable {
    /// The line of the file, from 1, on which the row starts.
    public var line: Int
    /// The row's number among the rows that are not blank, the header not counted, from 1.
    public var place: Int
    /// The fields as they were read, neither trimmed nor padded.
    public var fields: [String]
    /// Its place among equal rows, ``SheetIdentity/copy``; nil where the row has the wrong number
    /// of fields.
    public var copy: Int?
    /// The code.
    public var reason: RejectReason
    /// Everything that is wrong: fields, faults, remedies.
    public var detail: String
    /// The bookings and windows it met, as references; empty for a row that was never tried.
    public var met: String

    /// A reject of a row that was read, by whoever tried to import it.
    public init(_ row: SheetRow, reason: RejectReason, detail: String, met: String = "") {
        self.init(row.source, copy: row.identity.copy, reason: reason, detail: detail)
        self.met = met
    }

    /// A reject of a row that was read and is known so.
    public init(
        _ source: SheetSource, of identity: SheetIdentity, reason: RejectReason, detail: String,
        met: String
    ) {
        self.init(source, copy: identity.copy, reason: reason, detail: detail)
        self.met = met
    }

    init(_ source: SheetSource, copy: Int?, reason: RejectReason, detail: String) {
        self.line = source.line
        self.place = source.place
        self.fields = source.fields
        self.copy = copy
        self.reason = reason
        self.detail = detail
        self.met = ""
    }
}

/// Where in a sheet a row stands, and what is written there.
public struct SheetSource: Hashable, Sendable {
    /// The line of the file, from 1, on which the row starts.
    public let line: Int
    /// The row's number among the rows that are not blank, the header not counted, from 1.
    public let place: Int
    /// The fields as they were read, neither trimmed nor padded.
    public let fields: [String]
}
