import BerthCore
import BerthSQL

extension AuditCheck {
    /// All checks that there are, by name, each as its file has it: what it finds is the comment at its top, and
    /// its settings are what it asks `audit_setting` for. Throws when the program's files are damaged: an audit
    /// without checks would find nothing wrong.
    static func all() throws -> [(check: AuditCheck, sql: String)] {
        try read.get()
    }

    /// The names of all checks. Throws as ``all()``.
    public static func names() throws -> Set<String> {
        Set(try all().map(\.check.name))
    }

    private static let read = Result {
        try BerthSQL.checks().map { file in
            let purpose = file.sql.split(separator: "\n", omittingEmptySubsequences: false)
                .prefix { $0.hasPrefix("--") }
                .map { $0.dropFirst(2).drop { $0 == " " } }
                .prefix { !$0.isEmpty }
                .joined(separator: " ")
            var settings: [String: Int] = [:]
            for use in file.sql.matches(of: #/audit_setting\('(\w+)', (\d+)\)/#) {
                settings[String(use.1)] = Int(use.2)
            }
            let check = AuditCheck(name: file.name, purpose: purpose, settings: settings)
            return (check: check, sql: file.sql)
        }
    }

    /// The statement without the semicolon at its end, so that it can stand in another.
    static func subquery(_ sql: String) -> String {
        String(sql.reversed().drop { $0 == ";" || $0.isWhitespace }.reversed())
    }
}
