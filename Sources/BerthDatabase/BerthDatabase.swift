import BerthCore
import Foundation
import Postgres

/// Berth's records and decisions, as kept by PostgreSQL. The only module that speaks the schema.
///
/// Every mutation takes `now` and, where the caller may be anyone, who is asking; with `dryRun` it decides
/// as it would and writes nothing. What the caller can understand is thrown as a ``BerthError``.
public struct BerthDatabase: Sendable {
    /// The pool under all of it.
    public let client: PostgresClient
    /// Decides bookings in batches; a service that the program runs.
    public let scheduler: Scheduler
    /// Appends to the change log in batches.
    let changeWriter: ChangeWriter
    /// Reads single bookings in batches; a service that the program runs.
    public let reader: BookingReader
    /// Counts what was refused, for the reports.
    public let refusals = RefusalCounter()
    /// Looks up feeds in batches.
    let feeds: FeedReader
    let environments: EnvironmentCache
    let teams: TeamCache
    let tokens: TokenCache
    let lockWaiters = LockWaiters()
    /// Whose turn it is among those in line who take any environments.
    let selectionTurns = Turns()

    /// Berth over a pool of connections to a migrated database.
    public init(client: PostgresClient) {
        self.client = client
        scheduler = Scheduler(client: client)
        changeWriter = ChangeWriter(client: client)
        reader = BookingReader(client: client)
        feeds = FeedReader(client: client)
        environments = EnvironmentCache()
        teams = TeamCache()
        tokens = TokenCache()
    }

    /// Throws when the database cannot serve: away, or of another schema. At most a second.
    public func checkReady() async throws {
        try await translatingErrors {
            let rows = try await client.query(
                "SELECT max(version) FROM schema_migrations", deadline: .seconds(1))
            guard let row = rows.first, try row.decode(Int.self) == SchemaMigrator.newestVersion,
                try await keepsCommits()
            else {
                throw BerthError.unavailable(retryAfterSeconds: 5)
            }
        }
    }

    /// Whether what was acknowledged survives a crash of the database: nobody has switched synchronous_commit off
    /// since the start, neither for the sessions that there are nor for those to come.
    func keepsCommits() async throws -> Bool {
        let rows = try await client.query(
            """
            SELECT current_setting('synchronous_commit') <> 'off' AND NOT EXISTS (
                SELECT FROM pg_db_role_setting s
                WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
                  AND s.setrole IN (0, (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user))
                  AND 'synchronous_commit=off' = ANY (s.setconfig))
            """, deadline: .seconds(1))
        return try rows.first?.decode(Bool.self) ?? false
    }

    /// Runs a decision in one transaction. A dry run is rolled back once it is decided.
    ///
    /// It waits a moment for locks. When that was not enough it is rolled back and gives its connection back, and
    /// is run again, with patience, when it is its turn: so those who wait for one environment leave connections to all
    /// others. Without `isPatient` it is not run again. Throws `.unavailable` when it did not get the locks.
    func decide<Value: Sendable>(
        dryRun: Bool, isPatient: Bool = true,
        _ body: @Sendable (PostgresTransaction) async throws -> Value
    ) async throws -> Value {
        try await translatingErrors {
            do {
                return try await decide(dryRun: dryRun, patience: LockWaiters.moment, body)
            } catch let locked as EnvironmentsLocked {
                guard isPatient else { throw BerthError.unavailable(retryAfterSeconds: 1) }
                return try await decideWithPatience(locked.environments, dryRun: dryRun, body)
            } catch let error as PostgresError where error.isLockTimeout && isPatient {
                return try await decideWithPatience(
                    LockWaiters.otherLocks, dryRun: dryRun, body)
            }
        }
    }

    private func decideWithPatience<Value: Sendable>(
        _ environments: Set<Int64>, dryRun: Bool,
        _ body: @Sendable (PostgresTransaction) async throws -> Value
    ) async throws -> Value {
        try await lockWaiters.takingTurns(for: environments) {
            guard environments != LockWaiters.otherLocks else {
                return try await decide(dryRun: dryRun, patience: LockWaiters.patience, body)
            }
            // It waits holding nothing: what else it needs stays free for others.
            let end = ContinuousClock.now + LockWaiters.patience
            var ids = environments
            while case let left = end - .now, left > .zero {
                try await client.query("SELECT await_locks(\(ids.sorted()))", deadline: left)
                do {
                    return try await decide(dryRun: dryRun, patience: LockWaiters.turn, body)
                } catch let locked as EnvironmentsLocked {
                    ids.formUnion(locked.environments)
                }
            }
            throw BerthError.unavailable(retryAfterSeconds: 1)
        }
    }

    private func decide<Value: Sendable>(
        dryRun: Bool, patience: Duration,
        _ body: @Sendable (PostgresTransaction) async throws -> Value
    ) async throws -> Value {
        do {
            return try await client.transaction { transaction in
                try await transaction.query(
                    "SELECT set_config('lock_timeout', \(patience.milliseconds), true)")
                let value = try await body(transaction)
                if dryRun { throw DryRun(value: value) }
                return value
            }
        } catch let decided as DryRun<Value> {
            return decided.value
        }
    }
}

extension Duration {
    /// As PostgreSQL reads it: `50ms`.
    fileprivate var milliseconds: String {
        "\(components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000)ms"
    }
}

/// Carries a decision out of a transaction that is to be rolled back.
private struct DryRun<Value: Sendable>: Error {
    var value: Value
}
