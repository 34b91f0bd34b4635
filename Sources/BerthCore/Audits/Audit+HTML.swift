import Foundation

extension Audit {
    private static let daysShown = 28
    private static let findingsShown = 200

    /// The run as one page that needs nothing else: no script, no request, light and dark, fit to print.
    public var html: String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <title>\(headline.htmlEscaped)</title>
        <style>
        \(Self.style)
        </style>
        </head>
        <body>
        <main>
        <h1>\((run.map { "Audit \($0)" } ?? "Audit, not recorded").htmlEscaped)</h1>
        <p class="at">\(Self.minute(at)) UTC</p>
        \(counts)
        \(picture)
        \(AuditGroup.groups(of: self).map { section(of: $0) }.joined(separator: "\n"))
        \(list("Waived", .waived))
        \(list("Resolved since the run before", .resolved))
        \(unlisted.map { "<p>\($0.htmlEscaped)</p>" }.joined(separator: "\n"))
        </main>
        </body>
        </html>

        """
    }

    private var counts: String {
        let pairs = [
            ("new", summary.new), ("persisting", summary.persisting),
            ("resolved", summary.resolved), ("waived", summary.waived),
        ]
        return "<dl class=\"counts\">"
            + pairs.map { "<div><dt>\($0.0)</dt><dd>\($0.1)</dd></div>" }.joined() + "</dl>"
    }

    /// A bar a day, two weeks back and two ahead: how many open findings lie on it, by severity.
    private var picture: String {
        let days = days
        let most = days.map(\.total).max() ?? 0
        guard most > 0 else { return "" }
        let worst = days.filter { $0.total > 0 }.sorted { $0.total > $1.total }.prefix(3)
        let told = worst.map { "\($0.date) (\($0.total))" }.joined(separator: ", ")
        var bars = ""
        for (index, day) in days.enumerated() {
            var top = 100.0
            for severity in Finding.Severity.allCases {
                let height = 100 * Double(day.counts[severity] ?? 0) / Double(most)
                guard height > 0 else { continue }
                top -= height
                bars +=
                    "<rect class=\"\(severity.rawValue)\" x=\"\(index * 24 + 2)\" "
                    + "y=\"\(Self.decimal(top))\" width=\"20\" height=\"\(Self.decimal(height))\"/>"
            }
            bars += "<text x=\"\(index * 24 + 12)\" y=\"116\">\(day.date.suffix(2))</text>"
        }
        return """
            <figure>
            <svg viewBox="0 0 \(days.count * 24) 122" role="img" aria-label="Findings by day: \(told)">
            <line x1="\(days.count * 12)" y1="0" x2="\(days.count * 12)" y2="104"/>
            \(bars)
            </svg>
            <figcaption>The worst days: \(told). The line is the day of the audit.</figcaption>
            </figure>
            """
    }

    private struct Day {
        var date: String
        var counts: [Finding.Severity: Int] = [:]
        var total: Int { counts.values.reduce(0, +) }
    }

    private var days: [Day] {
        let noon = (at.timeIntervalSince1970 / 86_400).rounded(.down) * 86_400
        let first = noon - Double(Self.daysShown / 2) * 86_400
        var days = (0..<Self.daysShown).map { index in
            Day(
                date: String(
                    RFC3339.string(Date(timeIntervalSince1970: first + Double(index) * 86_400))
                        .prefix(10)))
        }
        for finding in findings where finding.isOpen {
            guard let begin = finding.startsAt else { continue }
            let end = max(finding.endsAt ?? begin, begin.addingTimeInterval(1))
            let from = Int(((begin.timeIntervalSince1970 - first) / 86_400).rounded(.down))
            let until = Int(((end.timeIntervalSince1970 - first) / 86_400).rounded(.up))
            let shown = max(from, 0)..<max(min(until, days.count), max(from, 0))
            for index in shown { days[index].counts[finding.severity, default: 0] += 1 }
        }
        return days
    }

    private func section(of group: AuditGroup) -> String {
        let rows = group.findings.prefix(Self.findingsShown).map { finding in
            """
            <tr class="\(finding.severity.rawValue)"><td>\(finding.severity.rawValue)</td>\
            <td>\(finding.status.rawValue)</td><td>\((finding.environment ?? "").htmlEscaped)</td>\
            <td>\(finding.detail.htmlEscaped)<br><small>\(finding.check.htmlEscaped), since \
            \(Self.minute(finding.firstFoundAt)) UTC, \(finding.fingerprint.htmlEscaped)</small></td></tr>
            """
        }
        let more = group.findings.count - rows.count
        return """
            <section>
            <h2>\(group.name.htmlEscaped) <span>\(group.findings.count)</span></h2>
            <table>
            <thead><tr><th scope="col">Severity</th><th scope="col">Status</th>\
            <th scope="col">Environment</th><th scope="col">What</th></tr></thead>
            <tbody>
            \(rows.joined(separator: "\n"))
            </tbody>
            </table>
            \(more > 0 ? "<p>and \(more) more</p>" : "")
            </section>
            """
    }

    private func list(_ title: String, _ status: Finding.Status) -> String {
        let findings = findings.filter { $0.status == status }
        guard !findings.isEmpty else { return "" }
        let items = findings.prefix(Self.findingsShown).map { finding in
            "<li>\((finding.environment.map { "\($0): " } ?? "").htmlEscaped)"
                + "\(finding.detail.htmlEscaped) <small>\(finding.check.htmlEscaped)"
                + "\(finding.waiver.map { ", waiver \($0)" } ?? "")</small></li>"
        }
        return """
            <section>
            <h2>\(title) <span>\(findings.count)</span></h2>
            <ul>
            \(items.joined(separator: "\n"))
            </ul>
            </section>
            """
    }

    private static func decimal(_ value: Double) -> String {
        String(Int((value * 10).rounded()) / 10) + "."
            + String(abs(Int((value * 10).rounded()) % 10))
    }

    private static let style = """
        :root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --line: #d9dee5; --paper: #fff;
          --critical: #b3261e; --warning: #9a6700; --info: #0b62a8; }
        @media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #9aa6b5; --line: #333d4a;
          --paper: #12171e; --critical: #ff8f86; --warning: #e3b341; --info: #79b8ff; } }
        body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
        main { max-width: 70rem; margin: 0 auto; padding: 1.5rem 1rem; }
        h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
        h2 span, .at, small, figcaption { color: var(--soft); font-weight: normal; }
        .at { margin: 0; }
        .counts { display: flex; gap: 2rem; margin: 1.5rem 0; }
        .counts div { display: flex; flex-direction: column-reverse; }
        .counts dd { font-size: 1.8rem; margin: 0; font-variant-numeric: tabular-nums; }
        .counts dt { color: var(--soft); }
        figure { margin: 1.5rem 0; } svg { width: 100%; max-height: 12rem; }
        svg text { font-size: 9px; fill: var(--soft); text-anchor: middle; }
        svg line { stroke: var(--soft); stroke-dasharray: 2 2; }
        rect.critical { fill: var(--critical); } rect.warning { fill: var(--warning); }
        rect.info { fill: var(--info); }
        table { border-collapse: collapse; width: 100%; }
        th { text-align: left; color: var(--soft); font-weight: normal; white-space: nowrap; }
        th, td { padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top;
          overflow-wrap: anywhere; }
        td:nth-child(-n+2) { white-space: nowrap; }
        tr.critical td:first-child { color: var(--critical); font-weight: 600; }
        tr.warning td:first-child { color: var(--warning); } tr.info td:first-child { color: var(--info); }
        @media print { body { font-size: 11px; } section { break-inside: avoid-page; } }
        """
}
