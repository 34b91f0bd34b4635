import Foundation

/// One line of an audit: something that is not as it should be, or that somebody ought to look at.
public struct Finding: Sendable, Equatable {
    /// How bad it is, the worst first.
    public enum Severity: String, Sendable, CaseIterable {
        /// A promise of Berth is broken.
        case critical
        /// Somebody has to decide or to act.
        case warning
        /// Worth knowing.
        case info
    }

    /// What became of it since the run before.
    public enum Status: String, Sendable, CaseIterable {
        /// The run before did not have it.
        case new
        /// The run before had it too.
        case persisting
        /// The run before had it, and this one has not.
        case resolved
        /// It is there, and a waiver says why it may be.
        case waived
    }

    /// The check that found it: a file's name in `sql/audit`.
    public var check: String
    /// How bad it is.
    public var severity: Severity
    /// What became of it since the run before.
    public var status: Status
    /// The same in each run that finds it.
    public var fingerprint: String
    /// The key of the environment that it is about, if it is about one.
    public var environment: String?
    /// References of what it is about: bookings, windows, changes.
    public var subjects: [String]
    /// When what is wrong begins.
    public var startsAt: Date?
    /// When it ends.
    public var endsAt: Date?
    /// What is wrong, in a sentence.
    public var detail: String
    /// The team that has to act; nil: whoever runs Berth.
    public var actor: String?
    /// The instant that was audited when it was first found.
    public var firstFoundAt: Date
    /// The waiver under which it stays as it is.
    public var waiver: Int64?

    /// A finding.
    public init(
        check: String, severity: Severity, status: Status, fingerprint: String,
        environment: String?, subjects: [String], startsAt: Date?, endsAt: Date?, detail: String,
        actor: String?, firstFoundAt: Date, waiver: Int64? = nil
    ) {
        self.check = check
        self.severity = severity
        self.status = status
        self.fingerprint = fingerprint
        self.environment = environment
        self.subjects = subjects
        self.startsAt = startsAt
        self.endsAt = endsAt
        self.detail = detail
        self.actor = actor
        self.firstFoundAt = firstFoundAt
        self.waiver = waiver
    }

    /// Whether it is there and nobody has waived it.
    public var isOpen: Bool { status == .new || status == .persisting }
}
