import Foundation

/// What an outside source says happened, in its own words.
///
/// Texts are one line each and bounded, so that what a source sends can be stored and shown as it
/// stands here. Only `source` and `eventID` are kept as they are: they say which event it is, and
/// two that were cut could become one. Whoever reads them bounds them.
public struct ReportedChange: Sendable, Equatable {
    /// Who says so: a CloudEvent's source, or `github:owner/repository`.
    public let source: String
    /// What the source knows the event by.
    public let eventID: String
    /// The source's own name for the environment.
    public let environmentName: String
    /// When it happened, in whole seconds.
    public let occurredAt: Date
    /// Who or what did it.
    public let actor: String?
    /// The repository that it came from.
    public let repository: String?
    /// What sort of thing changed.
    public let kind: ChangeKind
    /// What was done.
    public let summary: String
    /// What was changed: a service's name.
    public let component: String?
    /// What it was changed to.
    public let version: String?
    /// Where more stands: an address of the web, since it will be shown as a link.
    public let url: String?

    /// A change as reported. Texts are cleaned; of those that may be nil, one that says nothing
    /// becomes nil, as does a URL that is neither `http` nor `https`. Fractions of a second are
    /// floored. Cleaning twice is cleaning once.
    public init(
        source: String, eventID: String, environmentName: String, occurredAt: Date,
        actor: String? = nil, repository: String? = nil, kind: ChangeKind, summary: String,
        component: String? = nil, version: String? = nil, url: String? = nil
    ) {
        self.source = source
        self.eventID = eventID
        self.environmentName = Self.cleaned(environmentName)
        self.occurredAt = occurredAt.flooredToSecond
        self.actor = Self.said(actor)
        self.repository = Self.said(repository)
        self.kind = kind
        self.summary = Self.cleaned(summary)
        self.component = Self.said(component)
        self.version = Self.said(version)
        self.url = Self.said(url).flatMap { Self.isOfTheWeb($0) ? $0 : nil }
    }

    /// A text in one line, of at most ``Limits/summaryCharacters`` Unicode code points: control
    /// characters and line ends become spaces, and none stand at its ends. Costs no more than the
    /// text's blank beginning and those characters, however long it is.
    public static func cleaned(_ text: String) -> String {
        var line = String.UnicodeScalarView()
        var count = 0
        for scalar in text.unicodeScalars {
            let isSpace = breaksLine(scalar) || scalar.properties.isWhitespace
            if count == 0, isSpace { continue }
            if count == Limits.summaryCharacters { break }
            line.append(breaksLine(scalar) ? " " : scalar)
            count += 1
        }
        while let last = line.last, last.properties.isWhitespace { line.removeLast() }
        return String(line)
    }

    private static func breaksLine(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    private static func said(_ text: String?) -> String? {
        text.map(cleaned).flatMap { $0.isEmpty ? nil : $0 }
    }

    private static func isOfTheWeb(_ url: String) -> Bool {
        let start = url.prefix(8).lowercased()
        return start.hasPrefix("https://") || start.hasPrefix("http://")
    }
}
