import BerthCore
import Postgres
import Synchronization

/// Where an import takes its rows from, a group at a time, and whom it tells what became of them: a sheet of any
/// length takes no more memory than a group.
public struct ImportSource<Row: Sendable, Outcome: Sendable>: Sendable {
    /// The rows that come next, at most so many; none at the end, or when the import is to stop.
    let next: @Sendable (_ most: Int) async throws -> [Row]
    /// Told what became of a group, in its order, once that is written.
    let done: @Sendable ([Outcome]) async throws -> Void

    /// A source of rows.
    public init(
        next: @escaping @Sendable (_ most: Int) async throws -> [Row],
        done: @escaping @Sendable ([Outcome]) async throws -> Void
    ) {
        self.next = next
        self.done = done
    }

    /// The same rows as something else.
    public func mapped<Other>(
        _ transform: @escaping @Sendable (Row) throws -> Other
    ) -> ImportSource<Other, Outcome> {
        ImportSource<Other, Outcome>(next: { try await next($0).map(transform) }, done: done)
    }

    /// Runs an import of rows that are all there, and gives what became of them, in their order.
    public static func all(
        _ rows: [Row], _ watch: ImportWatch = ImportWatch(),
        _ body: (ImportSource) async throws -> Void
    ) async throws -> [Outcome] {
        let taken = TakenRows(rows)
        try await body(
            ImportSource {
                watch.isStopped() ? [] : taken.next($0)
            } done: {
                watch.show(taken.finish($0))
            })
        return taken.outcomes
    }

    /// How far an import of rows is that are all there.
    private final class TakenRows: Sendable {
        private let rows: [Row]
        private let state = Mutex((given: 0, outcomes: [Outcome]()))

        init(_ rows: [Row]) { self.rows = rows }

        var outcomes: [Outcome] { state.withLock { $0.outcomes } }

        func next(_ most: Int) -> [Row] {
            state.withLock { state in
                let group = rows.dropFirst(state.given).prefix(most)
                state.given += group.count
                return Array(group)
            }
        }

        func finish(_ outcomes: [Outcome]) -> Int {
            state.withLock { state in
                state.outcomes += outcomes
                return state.outcomes.count
            }
        }
    }
}

/// Who watches an import: is told how many rows are done, and may stop it between two.
public struct ImportWatch: Sendable {
    let show: @Sendable (Int) -> Void
    let isStopped: @Sendable () -> Bool

    /// A watcher; by itself it looks at nothing and lets all be done.
    public init(
        show: @escaping @Sendable (Int) -> Void = { _ in },
        isStopped: @escaping @Sendable () -> Bool = { false }
    ) {
        self.show = show
        self.isStopped = isStopped
    }
}

extension BerthDatabase {
    /// Imports all that a source gives, a group a transaction; a dry run is one transaction in all, rolled back, so
    /// that its verdicts are those of the real run.
    func importAll<Row, Outcome>(
        _ source: ImportSource<Row, Outcome>, rowsTogether: Int, dryRun: Bool,
        _ importGroup: @Sendable ([Row], PostgresTransaction) async throws -> [Outcome]
    ) async throws {
        guard dryRun else {
            while case let group = try await source.next(rowsTogether), !group.isEmpty {
                try await source.done(
                    decide(dryRun: false) { try await importGroup(group, $0) })
            }
            return
        }
        let hasBegun = Atomic(false)
        try await decide(dryRun: true) { transaction in
            // Its rows are read once: it cannot be run again, as a transaction that met another may be.
            guard !hasBegun.exchange(true, ordering: .relaxed) else {
                throw BerthError.unavailable(retryAfterSeconds: 1)
            }
            while case let group = try await source.next(rowsTogether), !group.isEmpty {
                try await source.done(importGroup(group, transaction))
            }
        }
    }
}
