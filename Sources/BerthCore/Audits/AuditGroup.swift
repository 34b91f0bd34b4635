import Foundation

/// What one team has to act on, as reports for people show it.
struct AuditGroup {
    /// The team; nil: whoever runs Berth.
    var actor: String?
    /// Its open findings, the worst first.
    var findings: [Finding]

    /// Who has to act, for people.
    var name: String { actor ?? "Whoever runs Berth" }

    /// The open findings of a run by who has to act; whoever has the worst comes first.
    static func groups(of audit: Audit) -> [AuditGroup] {
        Dictionary(grouping: audit.findings.filter(\.isOpen), by: \.actor)
            .map { AuditGroup(actor: $0, findings: $1) }
            .sorted { $0.rank < $1.rank }
    }

    private var rank: (Int, Int, String) {
        let critical = findings.count { $0.severity == .critical }
        let warnings = findings.count { $0.severity == .warning }
        return (-critical, -warnings, actor ?? "")
    }
}

extension Audit {
    /// `Audit 12 of 2026-11-26 02:00 UTC: 3 new, 5 persisting, 1 resolved, 2 waived`
    var headline: String {
        let name = run.map { "Audit \($0)" } ?? "Audit, not recorded,"
        return "\(name) of \(Self.minute(at)) UTC: \(summary.new) new, "
            + "\(summary.persisting) persisting, \(summary.resolved) resolved, "
            + "\(summary.waived) waived"
    }

    /// What no list shows: of each check that found more than is listed, how many more.
    var unlisted: [String] {
        let listed = Dictionary(grouping: findings.filter { $0.status != .resolved }, by: \.check)
        return checks.sorted { $0.key < $1.key }.compactMap { check, count in
            let more = count - (listed[check]?.count ?? 0)
            return more > 0 ? "\(check) found \(more) more, which are not listed" : nil
        }
    }

    /// `2026-11-26 02:00`
    static func minute(_ instant: Date) -> String {
        String(RFC3339.string(instant).prefix(16).map { $0 == "T" ? " " : $0 })
    }
}
