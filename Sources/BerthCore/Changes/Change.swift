import Foundation

/// One thing that happened to an environment, as it is to be logged.
public struct ChangeDraft: Sendable, Equatable {
    /// The environment's key.
    public var environment: String
    /// When it happened.
    public var occurredAt: Date
    /// Who or what did it.
    public var actor: String
    /// The team's name; nil: nobody knows whose it was.
    public var team: String?
    /// The team that it was said to be of by who is not believed.
    public var claimedTeam: String?
    /// What sort of thing changed.
    public var kind: ChangeKind
    /// What was done.
    public var summary: String
    /// What was changed: a service's name.
    public var component: String?
    /// What it was changed to.
    public var version: String?
    /// A ticket elsewhere.
    public var ticket: String?
    /// Why it could not be planned.
    public var emergency: String?
    /// The entry that this one replaces in lists and reports.
    public var corrects: Int64?
    /// Where Berth learned of it: `api`, `import`, `inventory`, or an outside source's name.
    public var source = "api"
    /// What the source knows it by, so that it is logged once.
    public var sourceID: String?

    /// A change of an environment.
    public init(
        environment: String, occurredAt: Date, actor: String, team: String?, kind: ChangeKind,
        summary: String
    ) {
        self.environment = environment
        self.occurredAt = occurredAt
        self.actor = actor
        self.team = team
        self.kind = kind
        self.summary = summary
    }
}

/// An entry of the change log, as it was judged when it was recorded, with what was said of it later.
public struct Change: Sendable, Equatable {
    /// How a change is judged.
    public enum Control: String, Sendable, CaseIterable {
        /// A window, its own booking or an open policy covered it.
        case controlled
        /// Nothing did.
        case uncontrolled
        /// It was declared so, or fell in its team's emergency window.
        case emergency
    }

    /// What speaks against a change.
    public enum Reason: String, Sendable, CaseIterable {
        case noWindow = "no-window"
        case freeze
        case othersBooking = "others-booking"
        case windowNotApproved = "window-not-approved"
        case unattributed
    }

    /// What a manager said of it afterwards.
    public struct Review: Sendable, Equatable {
        /// What a review says.
        public enum State: String, Sendable, CaseIterable {
            case accepted, rejected
        }

        /// What was said.
        public var state: State
        /// Who said it: a token's name.
        public var by: String
        /// When it was said.
        public var at: Date
        /// What was said with it.
        public var note: String?

        /// A review as recorded.
        public init(state: State, by: String, at: Date, note: String?) {
            self.state = state
            self.by = by
            self.at = at
            self.note = note
        }
    }

    /// Its number in the log.
    public var id: Int64
    /// What happened.
    public var draft: ChangeDraft
    /// When it was recorded.
    public var recordedAt: Date
    /// Who recorded it: a token's name.
    public var recordedBy: String
    /// How it was judged; of a correction, the hardest judgement that nobody accepted since.
    public var control: Control
    /// How this entry was judged by itself.
    public var judgedAs: Control
    /// What speaks against it.
    public var reasons: [String]
    /// The window that covered it, or that was approved afterwards.
    public var window: WindowReference?
    /// Bookings of whoever used the environment, or what contains it.
    public var bookingsHit: [BookingReference]
    /// Recorded more than 15 minutes after it happened.
    public var isLate: Bool
    /// A window approved afterwards would have covered it.
    public var approvedLate: Bool
    /// What a manager said of it.
    public var review: Review?
    /// The entry that took its place in lists: a correction, or the same with a late approval.
    public var supersededBy: Int64?
    /// SHA-256 over the entry before and this one.
    public var hash: [UInt8]

    /// An entry as stored.
    public init(
        id: Int64, draft: ChangeDraft, recordedAt: Date, recordedBy: String, control: Control,
        judgedAs: Control, reasons: [String], window: WindowReference?,
        bookingsHit: [BookingReference], isLate: Bool,
        approvedLate: Bool, review: Review?, supersededBy: Int64?, hash: [UInt8]
    ) {
        self.id = id
        self.draft = draft
        self.recordedAt = recordedAt
        self.recordedBy = recordedBy
        self.control = control
        self.judgedAs = judgedAs
        self.reasons = reasons
        self.window = window
        self.bookingsHit = bookingsHit
        self.isLate = isLate
        self.approvedLate = approvedLate
        self.review = review
        self.supersededBy = supersededBy
        self.hash = hash
    }
}
