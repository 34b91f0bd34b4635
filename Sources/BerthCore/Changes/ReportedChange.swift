import Foundation

/// What an outside source says happened, in its own words.
public struct ReportedChange: Sendable, Equatable {
    /// Who says so: a CloudEvent's source, or `github:owner/repository`.
    public var source: String
    /// What the source knows the event by.
    public var eventID: String
    /// The source's own name for the environment.
    public var environmentName: String
    /// When it happened, in whole seconds.
    public var occurredAt: Date
    /// Who or what did it.
    public var actor: String?
    /// The repository that it came from.
    public var repository: String?
    /// What sort of thing changed.
    public var kind: ChangeKind
    /// What was done.
    public var summary: String
    /// What was changed: a service's name.
    public var component: String?
    /// What it was changed to.
    public var version: String?
    /// Where more stands.
    public var url: String?

    /// A change as reported. Texts are cleaned of control characters, and cut.
    public init(
        source: String, eventID: String, environmentName: String, occurredAt: Date,
        kind: ChangeKind,
        summary: String
    ) {
        self.source = Self.cleaned(source)
        self.eventID = Self.cleaned(eventID)
        self.environmentName = Self.cleaned(environmentName)
        self.occurredAt = Date(
            timeIntervalSince1970: occurredAt.timeIntervalSince1970.rounded(.down))
        self.kind = kind
        self.summary = Self.cleaned(summary)
    }

    /// A text in one line, of at most ``Limits/summaryCharacters``.
    public static func cleaned(_ text: String) -> String {
        let scalars = text.unicodeScalars.map { scalar in
            scalar.properties.generalCategory == .control ? " " : Character(scalar)
        }
        return String(String(scalars).prefix(Limits.summaryCharacters))
    }
}
