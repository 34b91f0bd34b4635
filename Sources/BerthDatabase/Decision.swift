import BerthCore
import Foundation
import Postgres

/// A transaction that decides about bookings, for somebody and at an instant.
///
/// It locks first, in the one order: environments with all that they reach, bookings, teams. What it frees
/// is given to those in line before it commits.
struct Decision: Sendable {
    let transaction: PostgresTransaction
    let caller: Caller
    let now: Date

    /// Locks these environments, what they reach, and what those in line need who may get what these bookings
    /// give back. Returns all that is locked.
    func lock(environments ids: [Int64], freeing bookings: [Int64] = []) async throws -> [Int64] {
        do {
            let rows = try await transaction.query(
                "SELECT lock_with_line(\(ids), \(bookings), \(now))")
            return try rows[rows.startIndex].decode([Int64].self)
        } catch let error as PostgresError where error.isLockTimeout {
            throw EnvironmentsLocked(environments: Set(ids))
        }
    }

    /// Locks bookings whose environments are locked, ends those that are due, and gives them as they are at
    /// `now`, in the order asked for. A booking that does not exist is left out. The transaction is run again when one
    /// names other environments by now.
    func lock(bookings ids: [Int64], locked: [Int64]) async throws -> [Booking] {
        try await transaction.query("SELECT lock_bookings(\(ids), \(locked))")
        try await expireDue(ids)
        return try await bookings(ids)
    }

    /// Bookings as they are at `now`, in the order asked for.
    func bookings(_ ids: [Int64]) async throws -> [Booking] {
        let rows = try await transaction.query(
            """
            SELECT \(unescaped: Booking.columnList) FROM bookings b WHERE b.id = ANY (\(ids))
            ORDER BY array_position(\(ids), b.id)
            """)
        return try rows.map { try Booking($0).advanced(to: now) }
    }

    /// The booking with that id, as it is at `now`. Throws `.notFound`.
    func booking(_ id: Int64) async throws -> Booking {
        guard let booking = try await bookings([id]).first else {
            throw BerthError.notFound("no booking \(BookingReference(id: id))")
        }
        return booking
    }

    /// Ends those that are due: a hold, a check-in, a lease or a wait that has run out.
    @discardableResult
    func expireDue(_ ids: [Int64]) async throws -> Int {
        let rows = try await transaction.query("SELECT expire_due(\(ids), \(now))")
        return try rows[rows.startIndex].decode(Int.self)
    }

    /// The environments of these keys, in that order. Throws `.invalid` for a key that names none.
    func environments(_ keys: [String]) async throws -> [TestEnvironment] {
        let rows = try await transaction.query(
            """
            SELECT \(unescaped: TestEnvironment.columnList)
            FROM environments e WHERE e.key = ANY (\(keys)::text[])
            ORDER BY array_position(\(keys)::text[], e.key)
            """)
        let found = try rows.map(TestEnvironment.init)
        guard found.count == Set(keys).count else {
            let missing = keys.first { key in !found.contains { $0.key == key } } ?? ""
            throw BerthError.invalid(
                "/environments", try await transaction.unknownEnvironment(missing))
        }
        return found
    }

    /// The environments that these bookings name; of an undecided edit also those that were approved, which come
    /// back when it is not.
    func environmentIDs(ofBookings ids: [Int64]) async throws -> [Int64] {
        let rows = try await transaction.query(
            """
            SELECT DISTINCT e.id FROM bookings b
            LEFT JOIN booking_versions v ON v.booking_id = b.id AND v.version = b.approved_version
            CROSS JOIN unnest(b.environment_ids || v.environment_ids) e (id)
            WHERE b.id = ANY (\(ids))
            """)
        return try rows.map { try $0.decode(Int64.self) }
    }

    /// Throws `.policy` when these bookings bring their teams over a quota. Their teams are locked, so that two
    /// bookings do not both take what is left.
    func requireQuotas(of ids: [Int64]) async throws {
        guard !ids.isEmpty else { return }
        let rows = try await transaction.query(
            "SELECT environment_key, rule, most, value FROM quota_violations(\(ids))")
        guard rows.isEmpty else {
            throw BerthError.policy(
                try rows.map { row in
                    let (key, rule, most, value) = try row.decode(
                        String.self, String.self, String.self, String.self)
                    let counted =
                        rule == "teamHoursPerWeek" ? "hours in a week" : "bookings at once"
                    return Violation(
                        environment: key, rule: rule, limit: most, value: value,
                        detail:
                            "the team would have \(value) \(counted) on \(key), and may have \(most)"
                    )
                })
        }
    }

    /// What an earlier request with this key answered; nil when there was none, or no key.
    func earlierAnswer(to key: IdempotencyKey?) async throws -> BookingAnswer? {
        guard let key,
            let record = try await IdempotencyRecord.find(key, now: now, in: transaction)
        else { return nil }
        guard let id = record.bookingID, let version = record.bookingVersion else {
            throw BerthError.idempotencyKeyReused
        }
        return .again(id: id, version: version)
    }

    /// Keeps a booking as the answer to this key.
    func keep(_ booking: Booking, status: Int, for key: IdempotencyKey?) async throws {
        guard let key else { return }
        try await IdempotencyRecord.keep(
            booking: booking.reference.id, version: booking.version, status: status, for: key,
            now: now, in: transaction)
    }
}

/// What a mutation of a booking answers: what it made now, or what the same request was answered before.
enum BookingAnswer: Sendable {
    case done(Booking)
    case again(id: Int64, version: Int)
}

extension Booking {
    /// What it is at an instant: it begins and ends by itself, whenever the clockwork comes by.
    func advanced(to now: Date) -> Booking {
        var booking = self
        let hasTurnedUp = life.checkInMinutes == nil || life.checkedInAt != nil
        if booking.state == .confirmed, hasTurnedUp, startsAt <= now { booking.state = .active }
        if booking.state == .active, endsAt <= now { booking.state = .completed }
        return booking
    }
}

extension BerthDatabase {
    /// Runs a decision in one transaction; a dry run is rolled back once it is decided.
    func decide<Value: Sendable>(
        by caller: Caller, now: Date, dryRun: Bool, isPatient: Bool = true,
        _ body: @Sendable (Decision) async throws -> Value
    ) async throws -> Value {
        try await decide(dryRun: dryRun, isPatient: isPatient) { transaction in
            try await body(Decision(transaction: transaction, caller: caller, now: now))
        }
    }

    /// The booking that an answer names, at the version it was answered with.
    func booking(of answer: BookingAnswer) async throws -> Booking {
        switch answer {
        case .done(let booking): booking
        case .again(let id, let version):
            try await translatingErrors { try await booking(id: id, version: version) }
        }
    }
}
