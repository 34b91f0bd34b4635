import BerthCore
import Foundation
import Postgres

/// Names one mutation of one caller, so that it happens once however often it is sent.
public struct IdempotencyKey: Sendable {
    /// The token's number.
    public var tokenID: Int64
    /// Method and path: `POST /v1/bookings`.
    public var scope: String
    /// Its slug.
    public var key: String
    /// SHA-256 of what was sent: another request under the same key is refused.
    public var requestHash: Data

    /// A key as sent.
    public init(tokenID: Int64, scope: String, key: String, requestHash: Data) {
        self.tokenID = tokenID
        self.scope = scope
        self.key = key
        self.requestHash = requestHash
    }
}

/// An answer as it was sent, kept to be sent again.
public struct KeptAnswer: Sendable {
    /// Whether it can be used.
    public var status: Int
    /// Its `Location` header.
    public var location: String?
    /// Its `ETag` header.
    public var etag: String?
    /// Its body, byte for byte.
    public var body: Data

    /// An answer to keep.
    public init(status: Int, location: String?, etag: String?, body: Data) {
        self.status = status
        self.location = location
        self.etag = etag
        self.body = body
    }
}

/// A mutation that happens once: done now, or answered as it was before.
public enum Once<Value: Sendable>: Sendable {
    case done(Value)
    case again(KeptAnswer)
}

/// What an earlier request with the same key left.
struct IdempotencyRecord {
    var bookingID: Int64?
    var bookingVersion: Int?
    var answer: KeptAnswer?

    /// Takes the key's lock, by try only, and finds what an earlier request left; nil when there was none.
    /// Throws `.requestInFlight` and `.idempotencyKeyReused`.
    static func find(
        _ key: IdempotencyKey, now: Date, in transaction: PostgresTransaction
    ) async throws -> IdempotencyRecord? {
        let name = "\(key.tokenID) \(key.scope) \(key.key)"
        let lock = try await transaction.query(
            "SELECT pg_try_advisory_xact_lock(hashtextextended(\(name), 0))")
        let isOurs: Bool = try lock[lock.startIndex].decode(Bool.self)
        guard isOurs else { throw BerthError.requestInFlight }

        let rows = try await transaction.query(
            """
            SELECT request_hash, booking_id, booking_version, status, location, etag, body
            FROM idempotency_records
            WHERE token_id = \(key.tokenID) AND scope = \(key.scope) AND key = \(key.key)
              AND created_at > \(now) - interval '24 hours'
            """)
        guard let row = rows.first else { return nil }
        var columns = row.columns
        guard try columns.next(as: Data.self) == key.requestHash else {
            throw BerthError.idempotencyKeyReused
        }
        let bookingID: Int64? = try columns.next()
        let bookingVersion: Int? = try columns.next()
        let status: Int = try columns.next()
        let location: String? = try columns.next()
        let etag: String? = try columns.next()
        let body: Data? = try columns.next()
        return IdempotencyRecord(
            bookingID: bookingID, bookingVersion: bookingVersion,
            answer: body.map {
                KeptAnswer(status: status, location: location, etag: etag, body: $0)
            })
    }

    /// Keeps the answer of a mutation of anything but a booking, in its transaction.
    static func keep(
        _ answer: KeptAnswer, for key: IdempotencyKey, now: Date,
        in transaction: PostgresTransaction
    ) async throws {
        try await transaction.query(
            """
            INSERT INTO idempotency_records (
                token_id, scope, key, request_hash, status, location, etag, body, created_at)
            VALUES (\(key.tokenID), \(key.scope), \(key.key), \(key.requestHash), \(answer.status),
                    \(answer.location), \(answer.etag), \(answer.body), \(now))
            ON CONFLICT (token_id, scope, key) DO UPDATE
            SET request_hash = excluded.request_hash, status = excluded.status, booking_id = NULL,
                booking_version = NULL, location = excluded.location, etag = excluded.etag,
                body = excluded.body, created_at = excluded.created_at
            """)
    }

    /// Keeps which version of which booking was the answer, in the mutation's transaction.
    static func keep(
        booking id: Int64, version: Int, status: Int, for key: IdempotencyKey, now: Date,
        in transaction: PostgresTransaction
    ) async throws {
        try await transaction.query(
            """
            INSERT INTO idempotency_records (
                token_id, scope, key, request_hash, status, booking_id, booking_version, created_at)
            VALUES (\(key.tokenID), \(key.scope), \(key.key), \(key.requestHash), \(status),
                    \(id), \(version), \(now))
            ON CONFLICT (token_id, scope, key) DO UPDATE
            SET request_hash = excluded.request_hash, status = excluded.status,
                booking_id = excluded.booking_id, booking_version = excluded.booking_version,
                location = NULL, etag = NULL, body = NULL, created_at = excluded.created_at
            """)
    }
}

extension BerthDatabase {
    /// Runs a mutation of anything but a booking once, keeping its answer beside what it wrote.
    func once<Value: Sendable>(
        _ key: IdempotencyKey?, now: Date, dryRun: Bool,
        keep: @Sendable (Value) throws -> KeptAnswer,
        _ body: @Sendable (PostgresTransaction) async throws -> Value
    ) async throws -> Once<Value> {
        try await decide(dryRun: dryRun) { transaction in
            guard let key, !dryRun else { return .done(try await body(transaction)) }
            if let record = try await IdempotencyRecord.find(key, now: now, in: transaction) {
                guard let answer = record.answer else { throw BerthError.idempotencyKeyReused }
                return .again(answer)
            }
            let value = try await body(transaction)
            try await IdempotencyRecord.keep(keep(value), for: key, now: now, in: transaction)
            return .done(value)
        }
    }
}
