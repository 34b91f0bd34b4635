import Foundation

/// The SQL files that Berth carries.
public enum BerthSQL {
    /// One check of the audit: a statement whose every row is a finding.
    public struct Check: Sendable {
        /// Its file's name: `overlapping-bookings`.
        public let name: String
        /// Its text.
        public let sql: String
    }

    /// All checks of the audit, by name. Throws when the bundle is damaged.
    public static func checks() throws -> [Check] {
        try files(in: "audit").map { name, sql in Check(name: name, sql: sql) }
    }

    /// One step of the schema.
    public struct Migration: Sendable {
        /// Its place in the order, from 1 without gaps.
        public let version: Int
        /// What it does: `create_bookings`.
        public let name: String
        /// Its text: one or more statements, run in one transaction.
        public let sql: String
    }

    /// All migrations in order. Throws when the bundle is damaged.
    public static func migrations() throws -> [Migration] {
        try files(in: "migrations").map { name, sql in
            let parts = name.split(separator: "_", maxSplits: 1)
            guard parts.count == 2, let version = Int(parts[0]) else {
                throw CocoaError(.fileReadInvalidFileName, userInfo: [NSFilePathErrorKey: name])
            }
            return Migration(version: version, name: String(parts[1]), sql: sql)
        }
    }

    private static func files(in folder: String) throws -> [(name: String, sql: String)] {
        try FileManager.default.contentsOfDirectory(
            at: Bundle.module.bundleURL.appendingPathComponent(folder),
            includingPropertiesForKeys: nil
        )
        .filter { $0.pathExtension == "sql" }
        .sorted { $0.lastPathComponent < $1.lastPathComponent }
        .map { file in
            (
                file.deletingPathExtension().lastPathComponent,
                try String(contentsOf: file, encoding: .utf8)
            )
        }
    }
}
