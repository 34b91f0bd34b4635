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

/// A row, and what it is known by when it is imported again.
struct KnownRow: Sendable {
    var row: SheetRow
    var identity: Data
}

/// Books the rows of a team's sheet, in the sheet's order, first come first served, through `book()` like
/// every other booking. A row is known by its content and its place among equal rows, so that importing a
/// sheet again books nothing twice.
public struct BookingImport: Sendable {
    /// Each group is a transaction, and holds the locks of its environments for some 50 ms.
    private static let rowsTogether = 256

    private let database: BerthDatabase
    private let caller: Caller
    private let now: Date

    /// An import by someone, at an instant: what had ended by then is history.
    public init(into database: BerthDatabase, by caller: Caller, now: Date) {
        self.database = database
        self.caller = caller
        self.now = now
    }

    /// Imports the rows. Each group of rows is one transaction; a dry run is one transaction in all, rolled back, so
    /// that its verdicts are those of the real run.
    public func run(_ source: ImportSource<SheetRow, ImportedRow>, dryRun: Bool) async throws {
        let known = source.mapped { row in
            KnownRow(
                row: row, identity: Data(SHA256.hash(data: Data(row.identity.canonicalBytes))))
        }
        try await run(known: known, dryRun: dryRun)
    }

    /// The same, of rows that are known by what goes with them.
    func run(known source: ImportSource<KnownRow, ImportedRow>, dryRun: Bool) async throws {
        try await database.importAll(source, rowsTogether: Self.rowsTogether, dryRun: dryRun) {
            try await importGroup($0, in: $1)
        }
    }

    private func importGroup(
        _ known: [KnownRow], in transaction: PostgresTransaction
    ) async throws -> [ImportedRow] {
        var results: [Int: ImportedRow] = [:]
        let rows = known.map(\.row)
        let identities = known.map(\.identity)
        for index in try await transaction.indices(ofImported: identities) {
            results[index] = .alreadyThere
        }
        let environments = try await transaction.environments(Set(rows.flatMap(\.environments)))
        var teams = ImportedTeams(caller: caller, now: now)
        var requests: [(index: Int, request: BookingRequest)] = []
        var history: [(index: Int, request: BookingRequest)] = []
        for (index, row) in rows.enumerated() where results[index] == nil {
            switch try await request(
                row, identity: identities[index], environments: environments, &teams,
                in: transaction)
            {
            case .success(let request) where request.draft.endsAt <= now:
                history.append((index, request))
            case .success(let request): requests.append((index, request))
            case .failure(let rejection): results[index] = .rejected(rejection.reject)
            }
        }
        for (index, row) in try await transaction.record(history) { results[index] = row }
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
        _ teams: inout ImportedTeams, in transaction: PostgresTransaction
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
        switch try await teams.id(team, in: transaction) {
        case .success(let id): teamID = id
        case .failure(let unknown): return rejected(.invalid, unknown.detail)
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

/// The teams of a group of rows, each looked up, or made, once.
private struct ImportedTeams {
    struct Unknown: Error {
        var detail: String
    }

    let caller: Caller
    let now: Date
    private var known: [String: Result<Int64, Unknown>] = [:]

    init(caller: Caller, now: Date) {
        self.caller = caller
        self.now = now
    }

    mutating func id(
        _ name: String, in transaction: PostgresTransaction
    ) async throws -> Result<Int64, Unknown> {
        if let known = known[name] { return known }
        let found: Result<Int64, Unknown>
        do {
            found = .success(
                try await transaction.teamID(name, pointer: "team", by: caller, now: now))
        } catch BerthError.invalid(let faults) {
            let details = faults.map { "\($0.pointer): \($0.detail)" }
            found = .failure(Unknown(detail: details.joined(separator: "; ")))
        }
        known[name] = found
        return found
    }
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

    /// Keeps bookings that were over before Berth heard of them, and finds what each overlapped of those before it:
    /// history is not refused, but shown.
    fileprivate func record(
        _ history: [(index: Int, request: BookingRequest)]
    ) async throws -> [(Int, ImportedRow)] {
        guard !history.isEmpty else { return [] }
        let ids = try await insert(history.map(\.request))
        let overlaps = try await query(
            """
            SELECT o.id, o.overlapped
            FROM overlapped_before(\(ids), \(Limits.conflictsListed)) o (id, overlapped)
            """)
        let met = Dictionary(
            uniqueKeysWithValues: try overlaps.map { try $0.decode(Int64.self, [Int64].self) })
        return zip(history, ids).map { entry, id in
            (
                entry.index,
                .recorded(
                    BookingReference(id: id),
                    overlaps: (met[id] ?? []).map(BookingReference.init(id:)))
            )
        }
    }

    /// The ids of what was over, in the order of the requests.
    private func insert(_ requests: [BookingRequest]) async throws -> [Int64] {
        let drafts = requests.map(\.draft)
        let rows = try await query(
            """
            INSERT INTO bookings (
                state, environment_ids, starts_at, ends_at, time_zone, title, team_id, contact, mode,
                ticket, notes, labels, requested_by, record_only, import_identity, created_at, updated_at,
                updated_by)
            SELECT 'completed', h.environment_ids::bigint[], h.starts_at, h.ends_at, h.time_zone, h.title,
                   h.team_id, h.contact, h.mode, h.ticket, h.notes, h.labels, h.actor, true,
                   h.import_identity, h.now, h.now, h.actor
            FROM unnest(
                \(requests.map { BookingBatch.literal($0.environments.map(\.id)) }),
                \(drafts.map(\.startsAt)), \(drafts.map(\.endsAt)),
                \(requests.map { $0.draft.timeZone ?? $0.environments[0].timeZone }),
                \(drafts.map(\.title)), \(requests.map(\.teamID)), \(drafts.map(\.contact)),
                \(drafts.map(\.mode.rawValue)), \(drafts.map(\.ticket)), \(drafts.map(\.notes)),
                \(drafts.map { PostgresJSON($0.labels) }), \(requests.map(\.actor)),
                \(requests.map(\.importIdentity)), \(requests.map(\.now)))
                WITH ORDINALITY h (
                    environment_ids, starts_at, ends_at, time_zone, title, team_id, contact, mode, ticket,
                    notes, labels, actor, import_identity, now, place)
            ORDER BY h.place
            RETURNING id, import_identity
            """)
        let ids = Dictionary(
            uniqueKeysWithValues: try rows.map { row in
                let (id, identity) = try row.decode(Int64.self, Data.self)
                return (identity, id)
            })
        return requests.compactMap { $0.importIdentity.flatMap { ids[$0] } }
    }
}
