/// A check of the audit, and how it is tuned.
public struct AuditCheck: Sendable, Equatable {
    /// Its file's name in `sql/audit`, without `.sql`.
    public var name: String
    /// What it finds, for people: the comment at the top of its file.
    public var purpose: String
    /// Numbers that tune it, by name, as they are now.
    public var settings: [String: Int]
    /// Whether a run that names no checks runs it.
    public var isOn: Bool

    /// A check.
    public init(name: String, purpose: String, settings: [String: Int], isOn: Bool = true) {
        self.name = name
        self.purpose = purpose
        self.settings = settings
        self.isOn = isOn
    }
}
