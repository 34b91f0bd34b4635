import BerthCore
import Foundation
import Postgres

/// A booking that was checked against its environments' rules and now has to be decided.
struct BookingRequest: Sendable {
    var draft: BookingDraft
    /// As they were read; `book()` compares their versions under the lock.
    var environments: [TestEnvironment]
    var teamID: Int64
    var actor: String
    var now: Date
    var idempotency: IdempotencyKey?
    /// What the environments' policies make of it.
    var terms: BookingTerms
    /// Its place in a series.
    var occurrence: BookingLife.Occurrence?
    /// What makes a row of an imported sheet the same row in another import.
    var importIdentity: Data?

    /// A request under the policies of its environments.
    init(
        _ draft: BookingDraft, on environments: [TestEnvironment], teamID: Int64, by actor: String,
        now: Date, idempotency: IdempotencyKey? = nil, occurrence: BookingLife.Occurrence? = nil
    ) {
        self.draft = draft
        self.environments = environments
        self.teamID = teamID
        self.actor = actor
        self.now = now
        self.idempotency = idempotency
        self.occurrence = occurrence
        terms = BookingTerms(
            of: draft.startsAt..<draft.endsAt, on: environments,
            leaseSeconds: draft.options.leaseSeconds, now: now)
    }

    private var life: BookingLife {
        var life = BookingLife()
        life.approvals = terms.approvals
        life.holdExpiresAt = terms.holdExpiresAt
        life.checkInMinutes = terms.checkInMinutes
        life.leaseSeconds = terms.leaseSeconds
        life.leaseExpiresAt = terms.leaseExpiresAt
        life.occurrence = occurrence
        return life
    }

    /// The booking that it became, made at the instant of its batch.
    func booking(id: Int64, setupMinutes: Int, teardownMinutes: Int, madeAt: Date) -> Booking {
        Booking(
            reference: BookingReference(id: id), state: terms.state, stateReason: nil,
            environments: draft.environments, startsAt: draft.startsAt, endsAt: draft.endsAt,
            timeZone: draft.timeZone ?? environments[0].timeZone, title: draft.title,
            team: draft.team, contact: draft.contact, mode: draft.mode, ticket: draft.ticket,
            notes: draft.notes, labels: draft.labels, priority: draft.priority, requestedBy: actor,
            setupMinutes: setupMinutes, teardownMinutes: teardownMinutes, releasedAt: nil,
            life: life, version: 1, createdAt: madeAt, updatedAt: madeAt)
    }
}

/// What `book()` said of a request.
enum BookingOutcome: Sendable {
    case booked(Booking)
    /// Somebody holds what it needs.
    case refused
    /// Somebody has locked what it needs; nothing was decided.
    case busy
    /// An environment has another version by now.
    case stale
    /// The same request was answered before, with this version.
    case replay(id: Int64, version: Int)
    case keyReused
}

/// Calls `book()`, in `sql/migrations/0018_narrow_locks.sql`.
struct BookingBatch {
    var requests: [BookingRequest]
    /// Whether it waits for locks; without, who would have to is `busy`.
    var waits = true

    /// What is written of all of them as the instant they were made.
    private var now: Date { requests.map(\.now).max() ?? .distantPast }

    var query: PostgresQuery {
        PostgresQuery(
            """
            SELECT ordinal, outcome, booking_id, booking_version, setup_minutes, teardown_minutes
            FROM book($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
                      $19, $20, $21, $22, $23)
            """,
            binds: [
                now,
                requests.map { Self.literal($0.environments.map(\.id)) },
                requests.map { Self.literal($0.environments.map { Int64($0.version) }) },
                requests.map(\.terms.state.rawValue),
                requests.map(\.draft.startsAt), requests.map(\.draft.endsAt),
                requests.map { $0.draft.timeZone ?? $0.environments[0].timeZone },
                requests.map(\.draft.title), requests.map(\.teamID), requests.map(\.draft.contact),
                requests.map(\.draft.mode.rawValue), requests.map(\.draft.ticket),
                requests.map(\.draft.notes), requests.map { PostgresJSON($0.draft.labels) },
                requests.map(\.draft.priority.rawValue), requests.map(\.actor),
                requests.map(\.idempotency?.tokenID), requests.map(\.idempotency?.scope),
                requests.map(\.idempotency?.key), requests.map(\.idempotency?.requestHash),
                requests.map(\.importIdentity),
                requests.map {
                    StoredExtras($0.terms, occurrence: $0.occurrence).map(PostgresJSON.init)
                },
                waits,
            ])
    }

    /// The outcomes, in the order of the requests.
    func outcomes(_ rows: PostgresRows) throws -> [BookingOutcome] {
        var outcomes = Array(repeating: BookingOutcome.refused, count: requests.count)
        for row in rows {
            var columns = row.columns
            let index = try columns.next(as: Int.self) - 1
            outcomes[index] = try outcome(of: requests[index], &columns)
        }
        return outcomes
    }

    private func outcome(
        of request: BookingRequest, _ columns: inout PostgresColumnReader
    ) throws -> BookingOutcome {
        let outcome: String = try columns.next()
        let id: Int64? = try columns.next()
        let version: Int = try columns.next()
        let setup: Int? = try columns.next()
        let teardown: Int? = try columns.next()
        return switch (outcome, id) {
        case ("booked", let id?):
            .booked(
                request.booking(
                    id: id, setupMinutes: setup ?? 0, teardownMinutes: teardown ?? 0, madeAt: now))
        case ("replay", let id?): .replay(id: id, version: version)
        case ("busy", _): .busy
        case ("stale", _): .stale
        case ("key-reused", _): .keyReused
        default: .refused
        }
    }

    /// A PostgreSQL array literal: rows of unequal length cannot stand in an array of arrays.
    static func literal(_ numbers: [Int64]) -> String {
        "{\(numbers.map(String.init).joined(separator: ","))}"
    }
}
