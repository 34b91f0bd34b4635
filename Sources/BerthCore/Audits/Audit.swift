import Foundation

/// One run of the audit.
public struct Audit: Sendable, Equatable {
    /// How many findings there are of each status.
    public struct Summary: Sendable, Equatable {
        /// Found now and not by the run before.
        public var new = 0
        /// Found by both.
        public var persisting = 0
        /// Found by the run before alone.
        public var resolved = 0
        /// Found, and left as it is for a reason.
        public var waived = 0

        /// A summary.
        public init(new: Int = 0, persisting: Int = 0, resolved: Int = 0, waived: Int = 0) {
            self.new = new
            self.persisting = persisting
            self.resolved = resolved
            self.waived = waived
        }

        /// The summary of some findings.
        public init(of findings: [Finding]) {
            for finding in findings {
                switch finding.status {
                case .new: new += 1
                case .persisting: persisting += 1
                case .resolved: resolved += 1
                case .waived: waived += 1
                }
            }
        }
    }

    /// Its number; nil when it is not recorded.
    public var run: Int64?
    /// The instant that was audited.
    public var at: Date
    /// Who ran it.
    public var recordedBy: String
    /// How much each check found that was run, what is not listed included.
    public var checks: [String: Int]
    /// How many findings there are of each status.
    public var summary: Summary
    /// All of them, the worst first; empty where only the summary was asked for.
    public var findings: [Finding]

    /// A run.
    public init(
        run: Int64?, at: Date, recordedBy: String, checks: [String: Int], summary: Summary,
        findings: [Finding]
    ) {
        self.run = run
        self.at = at
        self.recordedBy = recordedBy
        self.checks = checks
        self.summary = summary
        self.findings = findings
    }

    /// The order in which people want to read findings: open ones first, the worst of them first.
    public static func isBefore(_ left: Finding, _ right: Finding) -> Bool {
        rank(left) < rank(right)
    }

    private static func rank(_ finding: Finding) -> (Int, Int, Int, String, Date, String) {
        let status: Int =
            switch finding.status {
            case .new: 0
            case .persisting: 1
            case .waived: 2
            case .resolved: 3
            }
        let severity = Finding.Severity.allCases.firstIndex(of: finding.severity) ?? 0
        return (
            finding.isOpen ? 0 : status, severity, status, finding.environment ?? "",
            finding.startsAt ?? .distantPast, finding.fingerprint
        )
    }
}
