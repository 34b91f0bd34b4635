import Foundation

/// Who can help with an environment.
public struct People: Sendable, Equatable {
    /// Somebody who changed it lately.
    public struct Author: Sendable, Equatable {
        /// Who or what did it.
        public var actor: String
        /// The team's name.
        public var team: String?
        /// The latest change.
        public var lastChange: Int64
        /// When that was.
        public var lastAt: Date
        /// What that was.
        public var summary: String
    }

    /// The environment's key.
    public var environment: String
    /// The team that owns it.
    public var owner: Team?
    /// Who uses it now, or what contains it.
    public var holders: [Conflict]
    /// Who uses it next.
    public var next: Conflict?
    /// Who changed it lately, the latest first; each once.
    public var authors: [Author]

    /// Who can help.
    public init(
        environment: String, owner: Team?, holders: [Conflict], next: Conflict?, authors: [Author]
    ) {
        self.environment = environment
        self.owner = owner
        self.holders = holders
        self.next = next
        self.authors = authors
    }
}

extension People.Author {
    /// Who changed an environment, and when.
    public init(
        by actor: String, of team: String?, in change: Int64, at: Date, summary: String
    ) {
        self.actor = actor
        self.team = team
        lastChange = change
        lastAt = at
        self.summary = summary
    }
}
