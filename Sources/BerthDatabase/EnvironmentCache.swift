import BerthCore
import Foundation
import Postgres
import Synchronization

/// Environments as last read. A booking is checked against these and carries their versions; `book()`
/// compares them under the lock, so that an old entry costs a second round trip and never a wrong decision.
final class EnvironmentCache: Sendable {
    private static let mostEntries = 10_000

    private let entries = Mutex<[String: TestEnvironment]>([:])

    /// The environments of these keys, in order, read where not yet known.
    /// Throws `.invalid` with one fault for each key that names none.
    func environments(_ keys: [String], from client: PostgresClient) async throws
        -> [TestEnvironment]
    {
        let known = entries.withLock { entries in keys.compactMap { entries[$0] } }
        if known.count == keys.count { return known }
        return try await reread(keys, from: client)
    }

    /// The environments of these keys as they are now.
    func reread(_ keys: [String], from client: PostgresClient) async throws -> [TestEnvironment] {
        let rows = try await client.query(
            """
            SELECT \(unescaped: TestEnvironment.columnList)
            FROM environments e WHERE e.key = ANY (\(keys)::text[])
            """)
        let found = try Dictionary(
            rows.map { row in
                let environment = try TestEnvironment(row)
                return (environment.key, environment)
            }, uniquingKeysWith: { $1 })
        entries.withLock { entries in
            if entries.count > Self.mostEntries { entries.removeAll() }
            entries.merge(found) { $1 }
        }
        let missing = keys.enumerated().filter { found[$0.element] == nil }
        let faults = zip(missing, try await client.unknownEnvironments(missing.map(\.element)))
            .map { FieldFault("/environments/\($0.offset)", $1) }
        guard faults.isEmpty else { throw BerthError.invalid(faults) }
        return keys.compactMap { found[$0] }
    }

    /// Has it read again when next asked for.
    func forget(_ key: String) {
        entries.withLock { _ = $0.removeValue(forKey: key) }
    }
}

extension PostgresQuerying {
    /// Says of each of these keys that there is no such environment, and which one was probably meant. Cost: reads the keys
    /// of environments once, up to a bound, so it is for refusals alone.
    func unknownEnvironments(_ keys: [String]) async throws -> [String] {
        guard !keys.isEmpty else { return [] }
        let rows = try await query(
            """
            SELECT e.key FROM environments e WHERE e.status <> 'retired'
            ORDER BY e.key LIMIT \(Limits.namesCompared)
            """)
        let known = try rows.map { try $0.decode(String.self) }
        return keys.map { key in
            let nearest = key.nearest(among: known)
            return "there is no environment \(key)" + (nearest.map { ": is \($0) meant?" } ?? "")
        }
    }

    /// Says it of one key.
    func unknownEnvironment(_ key: String) async throws -> String {
        try await unknownEnvironments([key])[0]
    }
}
