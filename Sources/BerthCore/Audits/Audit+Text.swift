import Foundation

extension Audit {
    private static let linesOfGroup = 8
    private static let groupsShown = 12

    /// The run for people, short enough to read in a minute: by who has to act, the worst first.
    public var text: String {
        var lines = [headline]
        let groups = AuditGroup.groups(of: self)
        for group in groups.prefix(Self.groupsShown) {
            lines += ["", "\(group.name) has to act on \(group.findings.count):"]
            for finding in group.findings.prefix(Self.linesOfGroup) { lines.append(finding.line) }
            let more = group.findings.count - Self.linesOfGroup
            if more > 0 { lines.append("  and \(more) more") }
        }
        if groups.count > Self.groupsShown {
            lines += ["", "and \(groups.count - Self.groupsShown) more teams"]
        }
        let resolved = findings.filter { $0.status == .resolved }
        if !resolved.isEmpty {
            lines += ["", "Resolved since the run before:"]
            for finding in resolved.prefix(Self.linesOfGroup) { lines.append(finding.line) }
            if resolved.count > Self.linesOfGroup {
                lines.append("  and \(resolved.count - Self.linesOfGroup) more")
            }
        }
        if !unlisted.isEmpty { lines += [""] + unlisted }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The run as CSV for spreadsheets: a line a finding, no cell a formula.
    public var csv: [UInt8] {
        var csv = CSVWriter()
        csv.append([
            "run", "at", "check", "severity", "status", "environment", "subjects", "startsAt",
            "endsAt", "detail", "actor", "firstFoundAt", "fingerprint", "waiver",
        ])
        for finding in findings {
            csv.append([
                run.map(String.init) ?? "", RFC3339.string(at), finding.check,
                finding.severity.rawValue, finding.status.rawValue, finding.environment ?? "",
                finding.subjects.joined(separator: " "),
                finding.startsAt.map(RFC3339.string) ?? "",
                finding.endsAt.map(RFC3339.string) ?? "", finding.detail, finding.actor ?? "",
                RFC3339.string(finding.firstFoundAt), finding.fingerprint,
                finding.waiver.map(String.init) ?? "",
            ])
        }
        return csv.bytes
    }

    /// The run as Markdown, for chats and wikis.
    public var markdown: String {
        var lines = ["# \(headline)"]
        for group in AuditGroup.groups(of: self) {
            lines += [
                "", "## \(Self.markdown(group.name)): \(group.findings.count)", "",
                "| severity | status | environment | check | what |", "|---|---|---|---|---|",
            ]
            lines += group.findings.map { finding in
                "| "
                    + [
                        finding.severity.rawValue, finding.status.rawValue,
                        finding.environment ?? "", finding.check, finding.detail,
                    ].map(Self.markdown).joined(separator: " | ") + " |"
            }
        }
        for (title, status) in [("Waived", Finding.Status.waived), ("Resolved", .resolved)] {
            let findings = findings.filter { $0.status == status }
            guard !findings.isEmpty else { continue }
            lines += ["", "## \(title): \(findings.count)", ""]
            lines += findings.map { finding in
                "- " + Self.markdown("\(finding.environment ?? "-"): \(finding.detail)")
            }
        }
        if !unlisted.isEmpty { lines += [""] + unlisted }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Text in which Markdown sees no mark of its own.
    private static func markdown(_ text: String) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "\\", "`", "*", "_", "[", "]", "<", ">", "|", "#", "~", "!":
                escaped += "\\\(character)"
            case _ where character.isNewline: escaped += " "
            default: escaped.append(character)
            }
        }
        return escaped
    }
}

extension Finding {
    /// `  critical  uat-1: BK-12 … (overlapping-bookings, new)`, on one line whatever the texts hold.
    fileprivate var line: String {
        let padding = String(repeating: " ", count: 9 - severity.rawValue.count)
        let text =
            "  \(severity.rawValue)\(padding)\(environment.map { "\($0): " } ?? "")\(detail) "
            + "(\(check), \(status.rawValue))"
        return String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
    }
}
