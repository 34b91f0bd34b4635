import BerthCore
import Crypto
import Foundation
import Postgres

/// What became of one row of a booking sheet.
public enum ImportedRow: Sendable {
    case booked(BookingReference)
    /// It was over already: kept as history, holding nothing; with what it overlapped.
    case recorded(BookingReference, overlaps: [BookingReference])
    /// An earlier import booked it.
    case alreadyThere
    case rejected(SheetReject)
}

/// Books the rows of a team's sheet, in the sheet's order, first come first served, through `book()` like
/// every other booking. A row is known by its content and its place among equal rows, so that importing a
/// sheet again books nothing twice.
public struct BookingImport: Sendable {
    private static let rowsTogether = 64

    private let database: BerthDatabase
    private let caller: Caller
    private let now: Date

    /// An import by someone, at an instant: what had ended by then is history.
    public init(into database: BerthDatabase, by caller: Caller, now: Date) {
        self.database = database
        self.caller = caller
        self.now = now
    }

    /// Imports the rows, telling how many are done. Each group of rows is one transaction; a dry run is
    /// one transaction in all, rolled back, so that its verdicts are those of the real run.
    public func run(
        _ rows: [SheetRow], dryRun: Bool, progress: @Sendable (Int) -> Void
    ) async throws -> [ImportedRow] {
        let known = rows.map { row in
            (row, Data(SHA256.hash(data: Data(row.identity.canonicalBytes))))
        }
        return try await run(known, dryRun: dryRun, progress: progress)
    }

    /// The same, of rows that are known by what goes with them.
    func run(
        _ rows: [(row: SheetRow, identity: Data)], dryRun: Bool, progress: @Sendable (Int) -> Void
    ) async throws -> [ImportedRow] {
        let groups = stride(from: 0, to: rows.count, by: Self.rowsTogether).map {
            Array(rows[$0..<min($0 + Self.rowsTogether, rows.count)])
        }
        guard !dryRun else {
            return try await database.decide(dryRun: true) { transaction in
                try await importAll(groups, progress: progress) { group in
                    try await importGroup(group, in: transaction)
                }
            }
        }
        return try await importAll(groups, progress: progress) { group in
            try await database.decide(dryRun: false) { transaction in
                try await importGroup(group, in: transaction)
            }
        }
    }

    private func importAll(
        _ groups: [[(row: SheetRow, identity: Data)]], progress: (Int) -> Void,
        _ importGroup: ([(row: SheetRow, identity: Data)]) async throws -> [ImportedRow]
    ) async throws -> [ImportedRow] {
        var imported: [ImportedRow] = []
        for group in groups {
            imported += try await importGroup(group)
            progress(imported.count)
        }
        return imported
    }

    private func importGroup(
        _ known: [(row: SheetRow, identity: Data)], in transaction: PostgresTransaction
    ) async throws -> [ImportedRow] {
        var results: [Int: ImportedRow] = [:]
        let rows = known.map(\.row)
        let identities = known.map(\.identity)
        for index in try await transaction.indices(ofImported: identities) {
            results[index] = .alreadyThere
        }
        let environments = try await transaction.environments(Set(rows.flatMap(\.environments)))
        var requests: [(index: Int, request: BookingRequest)] = []
        for (index, row) in rows.enumerated() where results[index] == nil {
            switch try await request(
                row, identity: identities[index], environments: environments, in: transaction)
            {
            case .success(let request) where request.draft.endsAt <= now:
                results[index] = try await transaction.record(request)
            case .success(let request): requests.append((index, request))
            case .failure(let rejection): results[index] = .rejected(rejection.reject)
            }
        }
        for (index, outcome) in try await decide(requests, in: transaction) {
            results[index] = try await imported(rows[index], outcome, in: transaction)
        }
        return rows.indices.compactMap { results[$0] }
    }

    /// The environments are locked by the first `book()` of the transaction; read before that, they can be
    /// stale once.
    private func decide(
        _ requests: [(index: Int, request: BookingRequest)], in transaction: PostgresTransaction
    ) async throws -> [(Int, Decided)] {
        guard !requests.isEmpty else { return [] }
        var batch = BookingBatch(requests: requests.map(\.request))
        var outcomes = try batch.outcomes(await transaction.query(batch.query))
        if outcomes.contains(where: \.isStale) {
            let stale = outcomes.indices.filter { outcomes[$0].isStale }
            let keys = Set(stale.flatMap { batch.requests[$0].draft.environments })
            let environments = try await transaction.environments(keys)
            var again = BookingBatch(requests: stale.map { batch.requests[$0] })
            for index in again.requests.indices {
                let keys = again.requests[index].draft.environments
                again.requests[index].environments = keys.compactMap { environments[$0] }
            }
            let decided = try again.outcomes(await transaction.query(again.query))
            for (place, index) in stale.enumerated() {
                outcomes[index] = decided[place]
                batch.requests[index] = again.requests[place]
            }
        }
        return zip(requests.map(\.index), zip(batch.requests, outcomes)).map {
            ($0, Decided(request: $1.0, outcome: $1.1))
        }
    }

    private func imported(
        _ row: SheetRow, _ decided: Decided, in transaction: PostgresTransaction
    ) async throws -> ImportedRow {
        if case .booked(let booking) = decided.outcome { return .booked(booking.reference) }
        let proposal = Proposal(
            draft: decided.request.draft, environments: decided.request.environments)
        let conflicts = try await transaction.conflicts(with: proposal, now: now).map(\.conflict)
        let met = conflicts.map {
            "\($0.reference) \($0.title) (\($0.team ?? "no team")) on \(($0.via.last ?? $0.environment)) "
                + "until \(RFC3339.string($0.blocksUntil))"
        }
        return .rejected(
            SheetReject(
                row, reason: .conflict,
                detail: conflicts.isEmpty
                    ? "the environment changed meanwhile: import again"
                    : "\(conflicts[0].environment) is taken",
                met: met.joined(separator: "; ")))
    }

    /// The row as a booking, or why it cannot be one.
    private func request(
        _ row: SheetRow, identity: Data, environments: [String: TestEnvironment],
        in transaction: PostgresTransaction
    ) async throws -> Result<BookingRequest, Rejection> {
        func rejected(_ reason: RejectReason, _ detail: String) -> Result<BookingRequest, Rejection>
        {
            .failure(Rejection(reject: SheetReject(row, reason: reason, detail: detail)))
        }
        guard let team = row.team else {
            return rejected(.invalid, "team: is empty; say who books")
        }
        let named = row.environments.compactMap { environments[$0] }
        guard named.count == row.environments.count else {
            return rejected(.unknownEnvironment, "environment: there is none of that key")
        }
        let length = row.period.upperBound.timeIntervalSince(row.period.lowerBound)
        guard length <= Double(Limits.bookingDays) * 86_400 else {
            return rejected(.invalid, "to: is more than \(Limits.bookingDays) days after from")
        }
        let draft = BookingDraft(
            environments: row.environments, startsAt: row.period.lowerBound,
            endsAt: row.period.upperBound, timeZone: row.timeZone, title: row.title, team: team,
            contact: row.contact, mode: row.mode, ticket: row.ticket, notes: row.notes,
            labels: row.labels)
        if draft.endsAt > now {
            let violations = BookingRules.violations(of: row.period, on: named, now: now)
            guard violations.isEmpty else {
                return rejected(.policy, violations.map(\.detail).joined(separator: "; "))
            }
        }
        let teamID: Int64
        do {
            teamID = try await transaction.teamID(team, pointer: "team", by: caller, now: now)
        } catch BerthError.invalid(let faults) {
            return rejected(
                .invalid, faults.map { "\($0.pointer): \($0.detail)" }.joined(separator: "; "))
        }
        var request = BookingRequest(draft, on: named, teamID: teamID, by: caller.name, now: now)
        request.terms = BookingTerms(imported: row.period, now: now)
        request.importIdentity = identity
        return .success(request)
    }
}

private struct Rejection: Error {
    var reject: SheetReject
}

private struct Decided {
    var request: BookingRequest
    var outcome: BookingOutcome
}

extension BookingOutcome {
    fileprivate var isStale: Bool {
        if case .stale = self { true } else { false }
    }
}

extension PostgresTransaction {
    /// Which of these identities an earlier import has booked.
    fileprivate func indices(ofImported identities: [Data]) async throws -> [Int] {
        let rows = try await query(
            "SELECT import_identity FROM bookings WHERE import_identity = ANY (\(identities))")
        let known = Set(try rows.map { try $0.decode("import_identity", as: Data.self) })
        return identities.indices.filter { known.contains(identities[$0]) }
    }

    fileprivate func environments(_ keys: Set<String>) async throws -> [String: TestEnvironment] {
        let rows = try await query(
            """
            SELECT \(unescaped: TestEnvironment.columnList)
            FROM environments e WHERE e.key = ANY (\(Array(keys))::text[])
            """)
        return try Dictionary(
            rows.map { row in
                let environment = try TestEnvironment(row)
                return (environment.key, environment)
            }, uniquingKeysWith: { $1 })
    }

    /// Keeps a booking that was over before Berth heard of it, and finds what it overlapped: history is
    /// not refused, but shown.
    fileprivate func record(_ request: BookingRequest) async throws -> ImportedRow {
        let draft = request.draft
        let ids = request.environments.map(\.id)
        let rows = try await query(
            """
            INSERT INTO bookings (
                state, environment_ids, starts_at, ends_at, time_zone, title, team_id, contact, mode,
                ticket, notes, labels, requested_by, record_only, import_identity, created_at, updated_at,
                updated_by)
            VALUES ('completed', \(ids), \(draft.startsAt), \(draft.endsAt),
                \(draft.timeZone ?? request.environments[0].timeZone), \(draft.title),
                \(request.teamID), \(draft.contact), \(draft.mode), \(draft.ticket), \(draft.notes),
                \(PostgresJSON(draft.labels)), \(request.actor), true, \(request.importIdentity),
                \(request.now), \(request.now), \(request.actor))
            RETURNING id
            """)
        let id = try rows[rows.startIndex].decode(Int64.self)
        let overlaps = try await query(
            """
            SELECT b.id FROM bookings b
            WHERE b.environment_ids && \(ids) AND b.id <> \(id)
              AND b.starts_at < \(draft.endsAt) AND b.ends_at > \(draft.startsAt)
              AND b.starts_at > \(draft.startsAt) - interval '366 days'
              AND (b.mode = 'exclusive' OR \(draft.mode == .exclusive))
              AND b.state = 'completed'
            ORDER BY b.id LIMIT \(Limits.conflictsListed)
            """)
        return .recorded(
            BookingReference(id: id),
            overlaps: try overlaps.map { BookingReference(id: try $0.decode(Int64.self)) })
    }
}
