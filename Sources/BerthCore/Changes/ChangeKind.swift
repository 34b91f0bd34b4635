/// What sort of thing changed.
public enum ChangeKind: String, Sendable, CaseIterable {
    case deploy, config, data, infrastructure, restart, other
}
