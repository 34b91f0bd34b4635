import Foundation

/// The SQL files that Berth carries.
public enum BerthSQL {
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
        let folder = Bundle.module.bundleURL.appendingPathComponent("migrations")
        let files = try FileManager.default.contentsOfDirectory(
            at: folder, includingPropertiesForKeys: nil)
        return try files.filter { $0.pathExtension == "sql" }
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
            .map { file in
                let stem = file.deletingPathExtension().lastPathComponent
                let parts = stem.split(separator: "_", maxSplits: 1)
                guard parts.count == 2, let version = Int(parts[0]) else {
                    throw CocoaError(
                        .fileReadInvalidFileName, userInfo: [NSFilePathErrorKey: file.path])
                }
                return Migration(
                    version: version, name: String(parts[1]),
                    sql: try String(contentsOf: file, encoding: .utf8))
            }
    }
}
