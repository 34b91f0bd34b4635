import BerthCore
import Foundation
import Postgres

/// Which bookings a list shows: all that meet every condition given.
public struct BookingFilter: Sendable {
    /// The environment.
    public var environment: String?
    /// The team's name.
    public var team: String?
    /// Any of these; none: any at all.
    public var states: [Booking.State] = []
    /// The series that it is an occurrence of.
    public var series: SeriesReference?
    /// Free pairs of key and value, to select by.
    public var labels: [String: String] = [:]
    /// Those that overlap `[from, to)`.
    public var from: Date?
    /// The end of the span.
    public var to: Date?
    /// Stands in the title or the ticket.
    public var text: String?

    /// All bookings.
    public init() {}
}

extension BerthDatabase {
    /// The booking of that reference. Throws `.notFound`. Reads that come together are one query.
    public func booking(_ reference: BookingReference) async throws -> Booking {
        try await translatingErrors {
            guard let booking = try await reader.booking(reference.id) else {
                throw BerthError.notFound("no booking \(reference)")
            }
            return booking
        }
    }

    /// Bookings, the newest first: what is made meanwhile is ahead of the first page, and a page never
    /// skips what existed. Cost: an index scan of the environment's, team's or all bookings, newest first,
    /// until the page is full; see `BookingFilter.query`.
    public func bookings(_ filter: BookingFilter, _ page: Page) async throws -> Listing<Booking> {
        let query = try filter.query(page)
        return try await translatingErrors {
            let rows = try await client.query(query)
            return Listing(
                try rows.map(Booking.init), limit: page.limit,
                position: { String($0.reference.id) })
        }
    }

    /// What a booking was, newest first. Throws `.notFound`.
    public func bookingHistory(
        _ reference: BookingReference, _ page: Page
    ) async throws -> Listing<BookingVersion> {
        let before = try page.id()
        return try await translatingErrors {
            let rows = try await client.query(
                """
                SELECT \(unescaped: Booking.columnList), b.valid_from, b.valid_until, b.updated_by
                FROM (\(unescaped: Self.versions)) b
                WHERE b.id = \(reference.id) AND (\(before)::bigint IS NULL OR b.version < \(before))
                ORDER BY b.version DESC LIMIT \(page.limit + 1)
                """)
            if rows.isEmpty, before == nil {
                throw BerthError.notFound("no booking \(reference)")
            }
            return Listing(
                try rows.map(BookingVersion.init), limit: page.limit,
                position: { String($0.booking.version) })
        }
    }

    /// A booking as it was at one version: what an idempotent request was answered with.
    func booking(id: Int64, version: Int) async throws -> Booking {
        let rows = try await client.query(
            """
            SELECT \(unescaped: Booking.columnList) FROM (\(unescaped: Self.versions)) b
            WHERE b.id = \(id) AND b.version = \(version)
            """)
        guard let row = rows.first else {
            throw BerthError.notFound("no booking \(BookingReference(id: id))")
        }
        return try Booking(row)
    }

    /// Every version of every booking, the present one included; to be narrowed by id.
    private static let versions = """
        SELECT n.id, n.state, n.state_reason, n.environment_ids, n.starts_at, n.ends_at, n.time_zone,
               n.title, n.team_id, n.contact, n.mode, n.ticket, n.notes, n.labels, n.priority,
               n.requested_by, n.setup_minutes, n.teardown_minutes, n.released_at, n.series_id,
               n.recurrence_id, n.approvals, n.approved_version, n.hold_expires_at, n.check_in_minutes,
               n.checked_in_at, n.lease_seconds, n.lease_expires_at, n.wait_until, n.starts_when_free,
               n.displaced_by, n.version, n.created_at, n.updated_at, n.updated_at AS valid_from,
               NULL::timestamptz AS valid_until, n.updated_by
        FROM bookings n
        UNION ALL
        SELECT v.booking_id, v.state, v.state_reason, v.environment_ids, v.starts_at, v.ends_at,
               v.time_zone, v.title, v.team_id, v.contact, v.mode, v.ticket, v.notes, v.labels,
               v.priority, o.requested_by, v.setup_minutes, v.teardown_minutes, v.released_at,
               o.series_id, o.recurrence_id, v.approvals, v.approved_version, v.hold_expires_at,
               v.check_in_minutes, v.checked_in_at, v.lease_seconds, v.lease_expires_at, v.wait_until,
               v.starts_when_free, v.displaced_by, v.version, o.created_at, v.valid_from, v.valid_from, v.valid_until, v.updated_by
        FROM booking_versions v JOIN bookings o ON o.id = v.booking_id
        """
}

extension BookingVersion {
    init(_ row: PostgresRow) throws {
        var columns = row.columns
        self.init(
            booking: try Booking(&columns), validFrom: try columns.next(),
            validUntil: try columns.next(), by: try columns.next())
    }
}
