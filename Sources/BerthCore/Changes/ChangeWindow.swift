import Foundation

/// A planned period on environments: an approved time to change things, one in which nobody can use them, or one
/// in which nothing may change.
public struct ChangeWindow: Sendable, Equatable {
    /// What is planned.
    public enum Kind: String, Sendable, CaseIterable {
        /// Approved time to change things.
        case change
        /// Nobody can use the environments.
        case maintenance
        /// Nothing may change.
        case freeze
    }

    /// Where it is in its life.
    public enum State: String, Sendable, CaseIterable {
        /// It waits for the owners' approval and holds nothing.
        case requested
        /// It holds.
        case approved
        /// It held, and its last occurrence is over.
        case ended
        /// An owner said no.
        case rejected
        /// It was called off.
        case cancelled
    }

    /// What is done with bookings in the way of a maintenance.
    public enum OnConflict: String, Sendable, CaseIterable {
        /// Nothing is planned.
        case refuse
        /// They give way and wait in line.
        case displace
    }

    /// How people name it.
    public var reference: WindowReference
    /// What it is to be.
    public var draft: ChangeWindowDraft
    /// Where it is in its life.
    public var state: State
    /// Why it is in that state, where somebody said so.
    public var stateReason: String?
    /// The keys of the environments that it holds on: named or matched; no parts.
    public var environments: [String]
    /// Who asked for it: a token's name.
    public var requestedBy: String
    /// One for each environment, or for each owner where a selector stands for them.
    public var approvals: [Approval]
    /// Since when it is approved.
    public var approvedAt: Date?
    /// The starts of all its occurrences, ascending; each lasts as long as the first.
    public var starts: [Date]
    /// Raised by each change.
    public var version: Int
    /// When it was made.
    public var createdAt: Date
    /// When it was changed last.
    public var updatedAt: Date

    /// A window as stored.
    public init(
        reference: WindowReference, draft: ChangeWindowDraft, state: State, stateReason: String?,
        environments: [String], requestedBy: String, approvals: [Approval], approvedAt: Date?,
        starts: [Date], version: Int, createdAt: Date, updatedAt: Date
    ) {
        self.reference = reference
        self.draft = draft
        self.state = state
        self.stateReason = stateReason
        self.environments = environments
        self.requestedBy = requestedBy
        self.approvals = approvals
        self.approvedAt = approvedAt
        self.starts = starts
        self.version = version
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }

    /// The end of its last occurrence.
    public var lastEnd: Date {
        (starts.last ?? draft.startsAt).addingTimeInterval(draft.length)
    }

    /// What it is at an instant: what was approved ends by itself.
    public func advanced(to now: Date) -> ChangeWindow {
        guard state == .approved, lastEnd <= now else { return self }
        var window = self
        window.state = .ended
        return window
    }
}

/// How people name a change window: `CW-12`.
public struct WindowReference: Sendable, Hashable, CustomStringConvertible {
    /// Its number in the database.
    public let id: Int64

    /// The reference of the window with this id.
    public init(id: Int64) {
        self.id = id
    }

    /// Reads `CW-12`; nil for anything else.
    public init?(_ text: some StringProtocol) {
        guard text.hasPrefix("CW-"), text.utf8.count <= 22,
            let id = Int64(text.dropFirst(3)), id > 0, text == "CW-\(id)"
        else { return nil }
        self.id = id
    }

    /// The form that people read.
    public var description: String { "CW-\(id)" }
}

/// What a window was for a time.
public struct WindowVersion: Sendable, Equatable {
    /// What the window was.
    public var window: ChangeWindow
    /// Since when it was so.
    public var validFrom: Date
    /// Nil for the present version.
    public var validUntil: Date?
    /// Who made it so.
    public var by: String

    /// A version and its time.
    public init(window: ChangeWindow, validFrom: Date, validUntil: Date?, by: String) {
        self.window = window
        self.validFrom = validFrom
        self.validUntil = validUntil
        self.by = by
    }
}
