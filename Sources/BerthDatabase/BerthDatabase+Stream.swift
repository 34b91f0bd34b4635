import BerthCore
import Foundation
import Postgres

/// A place in the outbox: events are ordered by the transaction that wrote them, then by their number.
public struct StreamPosition: Sendable, Comparable, CustomStringConvertible {
    /// The transaction.
    public var transaction: Int64
    /// The event's number.
    public var event: Int64

    /// A place.
    public init(transaction: Int64, event: Int64) {
        self.transaction = transaction
        self.event = event
    }

    /// Reads what ``description`` wrote; nil for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: "-")
        guard parts.count == 2, let transaction = Int64(parts[0]), let event = Int64(parts[1]),
            transaction >= 0, event >= 0
        else { return nil }
        self.init(transaction: transaction, event: event)
    }

    /// `7412-98331`
    public var description: String { "\(transaction)-\(event)" }

    /// By transaction, then by number.
    public static func < (left: StreamPosition, right: StreamPosition) -> Bool {
        (left.transaction, left.event) < (right.transaction, right.event)
    }
}

/// Something that changed.
public struct StreamEvent: Sendable {
    /// Where it stands.
    public var position: StreamPosition
    /// What happened, such as `booking.updated`.
    public var kind: String
    /// The number of what it happened to.
    public var subject: Int64
    /// Its version then.
    public var version: Int
    /// What the timeline draws of it by now, of a booking.
    public var booking: StreamedBooking?
    /// What the timeline draws of it, of a change.
    public var change: StreamedChange?
}

/// By what somebody who listens was let in.
public struct StreamBearer: Sendable {
    /// The token's number.
    public var token: Int64
    /// The secret of the session that stands for it, if one does.
    public var session: String?

    /// A bearer.
    public init(token: Int64, session: String?) {
        self.token = token
        self.session = session
    }
}

extension BerthDatabase {
    /// Which of these have no right to listen any more, by their places: their token was revoked, or their session
    /// has ended. Cost: a look-up of each by its key.
    public func ended(_ bearers: [StreamBearer], now: Date) async throws -> [Int] {
        try await translatingErrors {
            let rows = try await client.query(
                """
                SELECT b.place - 1
                FROM unnest(\(bearers.map(\.token)), \(bearers.map { $0.session.map(BearerToken.hash) ?? Data() }))
                    WITH ORDINALITY b (token, session, place)
                WHERE NOT EXISTS (SELECT FROM tokens k WHERE k.id = b.token AND k.revoked_at IS NULL)
                   OR (b.session <> '' AND NOT EXISTS (
                       SELECT FROM sessions s WHERE s.secret_hash = b.session AND s.expires_at > \(now)))
                """)
            return try rows.map { try $0.decode(Int.self) }
        }
    }

    /// The place after which everything comes that is not yet to be seen.
    public func streamPosition() async throws -> StreamPosition {
        try await translatingErrors {
            let rows = try await client.query(
                "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1")
            return StreamPosition(
                transaction: try rows[rows.startIndex].decode(Int64.self), event: .max)
        }
    }

    /// What changed after a place, with what is drawn of it unless that is too much at once. Cost: that of
    /// ``events(after:limit:)``, and at most 200 look-ups by key.
    public func describedEvents(after place: StreamPosition, limit: Int) async throws
        -> [StreamEvent]
    {
        var events = try await events(after: place, limit: limit)
        guard events.count <= Self.mostDescribed else { return events }
        func subjects(_ isTold: (String) -> Bool) -> [Int64] {
            Array(Set(events.filter { isTold($0.kind) }.map(\.subject)))
        }
        let bookings = try await streamedBookings(subjects { $0.hasPrefix("booking.") })
        let changes = try await streamedChanges(subjects { $0 == "change.recorded" })
        for index in events.indices {
            let event = events[index]
            if event.kind.hasPrefix("booking.") { events[index].booking = bookings[event.subject] }
            if event.kind == "change.recorded" { events[index].change = changes[event.subject] }
        }
        return events
    }

    private static let mostDescribed = 200

    /// What changed after a place, in order: of transactions alone before which none is still open, so that nothing
    /// comes later with a smaller place. Cost: what it gives, by the outbox' own order.
    public func events(after place: StreamPosition, limit: Int) async throws -> [StreamEvent] {
        try await translatingErrors {
            let rows = try await client.query(
                """
                SELECT o.xid::text::bigint, o.id, o.kind, o.subject_id, o.version
                FROM outbox o
                WHERE (o.xid, o.id) > (\(String(place.transaction))::text::xid8, \(place.event))
                  AND o.xid < pg_snapshot_xmin(pg_current_snapshot())
                ORDER BY o.xid, o.id LIMIT \(limit)
                """, deadline: .seconds(2))
            return try rows.map { row in
                let (transaction, event, kind, subject, version) = try row.decode(
                    Int64.self, Int64.self, String.self, Int64.self, Int.self)
                return StreamEvent(
                    position: StreamPosition(transaction: transaction, event: event), kind: kind,
                    subject: subject, version: version)
            }
        }
    }
}
