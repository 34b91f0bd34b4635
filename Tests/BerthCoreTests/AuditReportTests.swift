import BerthCore
import Foundation
import Testing

@Suite("Reports of the audit")
struct AuditReportTests {
    private static let at = Date(timeIntervalSince1970: 1_803_891_600)
    private static let hostile = "=cmd() <script>alert(1)</script> | `x`\n\u{202E}\u{1B}[2J"

    private static func finding(
        _ detail: String, _ status: Finding.Status = .new, actor: String? = "crm",
        severity: Finding.Severity = .warning
    ) -> Finding {
        Finding(
            check: "no-shows", severity: severity, status: status,
            fingerprint: "f\(detail.hashValue)",
            environment: "uat-1", subjects: ["BK-1", "BK-2"], startsAt: at,
            endsAt: at.addingTimeInterval(7_200), detail: detail, actor: actor, firstFoundAt: at)
    }

    private static func audit(_ findings: [Finding], checks: [String: Int] = [:]) -> Audit {
        Audit(
            run: 7, at: at, recordedBy: "test", checks: checks,
            summary: Audit.Summary(of: findings), findings: findings.sorted(by: Audit.isBefore))
    }

    @Test("The text says who has to act, the worst first, and is read in a minute")
    func text() {
        let many = (1...30).map { Self.finding("Finding \($0)", .persisting) }
        let audit = Self.audit(
            many + [
                Self.finding("A double booking", actor: nil, severity: .critical),
                Self.finding("Gone", .resolved), Self.finding("Known", .waived),
            ], checks: ["no-shows": 1_033])
        let lines = audit.text.split(separator: "\n")
        #expect(
            lines[0]
                == "Audit 7 of 2027-03-01 09:00 UTC: 1 new, 30 persisting, 1 resolved, 1 waived")
        #expect(lines[1] == "Whoever runs Berth has to act on 1:")
        #expect(lines[2] == "  critical uat-1: A double booking (no-shows, new)")
        #expect(lines[3] == "crm has to act on 30:")
        #expect(lines.contains("  and 22 more"))
        #expect(lines.contains("no-shows found 1001 more, which are not listed"))
        #expect(lines.count < 20)
    }

    @Test("What people wrote is text in each format: no formula, no mark-up, no control character")
    func hostileTexts() throws {
        let audit = Self.audit([
            Self.finding(Self.hostile), Self.finding(Self.hostile + "2", .waived),
        ])
        #expect(!audit.text.contains("\u{1B}"))
        #expect(audit.text.split(separator: "\n").count == 3)
        #expect(!audit.html.contains("<script"))
        #expect(audit.html.contains("&lt;script&gt;"))
        let csv = try #require(String(bytes: audit.csv, encoding: .utf8))
        #expect(!csv.contains(",=cmd"))
        #expect(audit.markdown.contains(#"\<script\>"#))
        #expect(audit.markdown.split(separator: "\n").count == 7)
    }

    @Test("The page needs nothing from elsewhere, and shows the worst days")
    func page() {
        let html = Self.audit([Self.finding("A", severity: .critical), Self.finding("B")]).html
        #expect(!html.contains("http://") && !html.contains("https://"))
        #expect(!html.contains("src="))
        #expect(html.contains("The worst days: 2027-03-01 (2)"))
        #expect(
            html.contains(#"<rect class="critical""#) && html.contains(#"<rect class="warning""#))
        #expect(!Self.audit([]).html.contains("<svg"))
    }

    @Test("A sheet has a line for each finding")
    func sheet() throws {
        let csv = try #require(
            String(
                bytes: Self.audit([Self.finding("A"), Self.finding("B", .resolved)]).csv,
                encoding: .utf8))
        let lines = csv.split(separator: "\r\n")
        #expect(lines.count == 3)
        #expect(lines[1].hasPrefix("7,2027-03-01T09:00:00Z,no-shows,warning,new,uat-1,BK-1 BK-2,"))
    }
}
