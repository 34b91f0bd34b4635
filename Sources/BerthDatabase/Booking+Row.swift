import BerthCore
import Foundation
import Postgres

extension Booking {
    /// What a query selects to make one, of `bookings b`.
    static let columnList = """
        b.id, b.state, b.state_reason,
        array(SELECT e.key FROM unnest(b.environment_ids) WITH ORDINALITY n (id, place)
              JOIN environments e ON e.id = n.id ORDER BY n.place),
        b.starts_at, b.ends_at, b.time_zone, b.title,
        (SELECT t.name FROM teams t WHERE t.id = b.team_id),
        b.contact, b.mode, b.ticket, b.notes, b.labels, b.priority, b.requested_by, b.setup_minutes,
        b.teardown_minutes, b.released_at, \(BookingLife.column), b.version, b.created_at, b.updated_at
        """

    init(_ row: PostgresRow) throws {
        var columns = row.columns
        try self.init(&columns)
    }

    init(_ columns: inout PostgresColumnReader) throws {
        let id: Int64 = try columns.next()
        let state: State = try columns.next()
        let stateReason: String? = try columns.next()
        let environments: [String] = try columns.next()
        let startsAt: Date = try columns.next()
        let endsAt: Date = try columns.next()
        let timeZone: String = try columns.next()
        let title: String = try columns.next()
        let team: String = try columns.next()
        let contact: String? = try columns.next()
        let mode: Mode = try columns.next()
        let ticket: String? = try columns.next()
        let notes: String? = try columns.next()
        let labels: StoredLabels = try columns.next()
        let priority: Priority = try columns.next()
        let requestedBy: String = try columns.next()
        let setupMinutes: Int = try columns.next()
        let teardownMinutes: Int = try columns.next()
        let releasedAt: Date? = try columns.next()
        let life: PostgresJSON<StoredLife>? = try columns.next()
        let version: Int = try columns.next()
        let createdAt: Date = try columns.next()
        let updatedAt: Date = try columns.next()
        self.init(
            reference: BookingReference(id: id), state: state, stateReason: stateReason,
            environments: environments, startsAt: startsAt, endsAt: endsAt, timeZone: timeZone,
            title: title, team: team, contact: contact, mode: mode, ticket: ticket, notes: notes,
            labels: labels.labels, priority: priority, requestedBy: requestedBy,
            setupMinutes: setupMinutes, teardownMinutes: teardownMinutes, releasedAt: releasedAt,
            life: life?.value.life ?? BookingLife(), version: version, createdAt: createdAt,
            updatedAt: updatedAt)
    }
}

extension Booking.State: PostgresEncodable, PostgresDecodable, PostgresArrayElement {}
extension Booking.Mode: PostgresEncodable, PostgresDecodable, PostgresArrayElement {}
extension Booking.Priority: PostgresEncodable, PostgresDecodable, PostgresArrayElement {}
