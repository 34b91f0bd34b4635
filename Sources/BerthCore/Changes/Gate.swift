import Foundation

/// Whether an environment is open at an instant, for a change or for use, why, and until when.
public struct Gate: Sendable, Equatable {
    /// What somebody wants to do.
    public enum Purpose: String, Sendable, CaseIterable {
        case change, use
    }

    /// The answer.
    public enum State: String, Sendable {
        case open, closed
    }

    /// Something that bears on the answer: a booking or a window, or a fact about the environment.
    public struct Reason: Sendable, Equatable {
        /// What it is.
        public enum Fact: Sendable, Equatable {
            /// A booking or a window.
            case holder(Conflict)
            /// Nothing allows it: `no-window`, with the window that was asked for and not approved, if any.
            case noWindow(requested: WindowReference?)
            /// The environment is unavailable or retired.
            case status(String, reason: String?, until: Date?)
        }

        /// What it is.
        public var fact: Fact

        /// A fact.
        public init(_ fact: Fact) {
            self.fact = fact
        }
    }

    /// The environment's key.
    public var environment: String
    /// What somebody wants to do.
    public var purpose: Purpose
    /// At which instant.
    public var at: Date
    /// For whom; nil: for a team that nobody knows.
    public var team: String?
    /// The answer.
    public var state: State
    /// What closes it; empty when it is open.
    public var reasons: [Reason]
    /// What opens it: a window, an emergency, the team's own booking.
    public var openedBy: [Conflict]
    /// Other teams' bookings, of it or of what contains it, that a change now would hit.
    public var wouldHit: [Conflict]
    /// When it changes next, as far as is known.
    public var next: Date?

    /// An answer.
    public init(
        environment: String, purpose: Purpose, at: Date, team: String?, state: State,
        reasons: [Reason], openedBy: [Conflict], wouldHit: [Conflict], next: Date?
    ) {
        self.environment = environment
        self.purpose = purpose
        self.at = at
        self.team = team
        self.state = state
        self.reasons = reasons
        self.openedBy = openedBy
        self.wouldHit = wouldHit
        self.next = next
    }
}
