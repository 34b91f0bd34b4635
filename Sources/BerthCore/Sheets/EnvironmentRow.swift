import Foundation

/// A row of an environment sheet: what to create, or to change where the key exists already.
///
/// Nil, or an empty collection, where the sheet has no such column or an empty cell: such a field
/// stays as it is, or gets its default when the environment is created. So a sheet cannot empty a
/// field by accident.
public struct EnvironmentRow: Hashable, Sendable {
    /// How many shared bookings may hold the environment at an instant.
    public enum Capacity: Hashable, Sendable {
        /// Any number.
        case unlimited
        /// At most so many, from 1.
        case limited(Int)
    }

    /// Where it stands, and its fields as read.
    public let source: SheetSource
    /// Small letters, digits and hyphens, 1 to ``Limits/keyBytes`` bytes.
    public let key: String
    /// What people call it.
    public let name: String?
    /// Such as `uat`.
    public let tier: String?
    /// The team that owns it.
    public let ownerTeam: String?
    /// The zone of its local times.
    public let timeZone: String?
    /// Most shared bookings at an instant.
    public let capacity: Capacity?
    /// Labels.
    public let labels: [String: String]
    /// Parts, each key once, never its own.
    public let parts: [TestEnvironment.Part]
    /// Whether it can be used.
    public let status: TestEnvironment.Status?
    /// Markdown, up to ``Limits/notesCharacters`` characters.
    public let runbook: String?
    /// Minutes, 0 to ``Limits/bufferMinutes``.
    public let setupMinutes: Int?
    /// Minutes, 0 to ``Limits/bufferMinutes``.
    public let teardownMinutes: Int?
}

extension SheetReject {
    /// A reject of a row that was read, by whoever tried to import it.
    public init(_ row: EnvironmentRow, reason: RejectReason, detail: String, met: String = "") {
        self.init(row.source, copy: nil, reason: reason, detail: detail)
        self.met = met
    }
}
