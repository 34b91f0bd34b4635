import BerthCore
import Foundation
import ICalendar
import Postgres

extension BerthDatabase {
    private static let recordsTogether = 1_000
    private static let seriesTogether = 20
    /// Pieces are given away once they have so many bytes.
    private static let pieceBytes = 64 * 1024

    /// Writes a calendar, piece by piece: of any size it takes the memory of one page of records and the numbers
    /// of the rest. Each page is read by a query of its own, so that a slow reader holds up nothing; what changes
    /// meanwhile may be in it or not, and changes the feed's count, so that it is fetched again.
    ///
    /// Throws `.notFound` before the first piece.
    public func writeCalendar(
        _ feed: Feed, _ options: FeedOptions, now: Date,
        to give: ([UInt8]) async throws -> Void
    ) async throws {
        let horizon = FeedHorizon(now)
        let contents = try await translatingErrors {
            try await self.contents(of: feed, horizon, omitsCancelled: options.omitsCancelled)
        }
        if case .booking = feed, contents.bookings.isEmpty {
            throw BerthError.notFound(Feed.unknown)
        }
        let writer = FeedWriter(options, installation: try await installation())
        var calendar = CalendarWriter(
            CalendarWriter.Head(
                productID: "-//Berth//Berth//EN", name: feed.name,
                refreshHours: Feed.refreshHours))
        for (zone, span) in try await zones(of: contents) {
            calendar.write(.named(zone), covering: span)
        }
        var names = FeedNames()
        let pages = contents.bookings.pages(of: Self.recordsTogether)
        var rows = try await feedBookings(pages.first ?? [])
        for following in pages.dropFirst() + [[]] {
            // Read while this page is written.
            async let next = feedBookings(following)
            for booking in try await names.bookings(rows, from: client) {
                calendar.write(writer.entry(booking))
                if calendar.count > Self.pieceBytes { try await give(calendar.take()) }
            }
            rows = try await next
        }
        for page in contents.series.pages(of: Self.seriesTogether) {
            for series in try await feedSeries(page, contents.scope, &names) {
                let entries = try writer.entries(series) {
                    !options.omitsCancelled && $0.updatedAt >= horizon.cancelled
                }
                for entry in entries { calendar.write(entry) }
                if calendar.count > Self.pieceBytes { try await give(calendar.take()) }
            }
        }
        for page in contents.windows.pages(of: Self.recordsTogether) {
            for window in try await feedWindows(page) {
                for entry in try writer.entries(window) { calendar.write(entry) }
            }
            if calendar.count > Self.pieceBytes { try await give(calendar.take()) }
        }
        calendar.end()
        try await give(calendar.take())
    }

    /// What makes this installation's UIDs its own.
    func installation() async throws -> UUID {
        let rows = try await client.query("SELECT i.id FROM installation i")
        return try rows[rows.startIndex].decode(UUID.self)
    }

    /// The zones on whose clocks something recurs, each with the span in which it does.
    private func zones(
        of contents: FeedContents
    ) async throws -> [(zone: String, span: Range<Date>)] {
        guard !contents.series.isEmpty || !contents.windows.isEmpty else { return [] }
        let rows = try await client.query(
            """
            SELECT z.time_zone, min(z.first), max(z.last)
            FROM (SELECT s.time_zone, s.starts_at AS first,
                         (SELECT max(b.ends_at) FROM bookings b WHERE b.series_id = s.id) AS last
                  FROM series s WHERE s.id = ANY (\(contents.series))
                  UNION ALL
                  SELECT w.time_zone, w.starts_at, last_end(w)
                  FROM change_windows w WHERE w.id = ANY (\(contents.windows)) AND w.rrule IS NOT NULL) z
            WHERE z.time_zone <> 'UTC' AND z.last > z.first
            GROUP BY z.time_zone ORDER BY z.time_zone
            """, deadline: .seconds(30))
        return try rows.map { row in
            let (zone, first, last) = try row.decode(String.self, Date.self, Date.self)
            return (zone, first..<last)
        }
    }

    private func feedBookings(_ ids: ArraySlice<Int64>) async throws -> [FeedBookingRow] {
        guard !ids.isEmpty else { return [] }
        let rows = try await client.query(
            """
            SELECT \(unescaped: FeedBookingRow.columnList) FROM bookings b
            WHERE b.id = ANY (\(Array(ids))) ORDER BY b.id
            """, deadline: .seconds(30))
        return try rows.map(FeedBookingRow.init)
    }

    private func feedSeries(
        _ ids: ArraySlice<Int64>, _ scope: FeedContents.Scope, _ names: inout FeedNames
    ) async throws -> [FeedSeries] {
        var conditions = BoundConditions()
        conditions.add("b.series_id = ANY (", Array(ids), close: ")")
        if let ids = scope.environmentIDs {
            conditions.add("b.environment_ids && (", ids, close: ")::bigint[]")
        }
        if let teamID = scope.teamID { conditions.add("b.team_id =", teamID) }
        if let person = scope.person { conditions.add("b.requested_by =", person) }
        conditions.add("b.state <>", "waitlisted")
        let found = try await client.query(
            conditions.query(
                select: "SELECT b.series_id, \(FeedBookingRow.columnList) FROM bookings b",
                suffix: "ORDER BY b.series_id, b.recurrence_id"),
            deadline: .seconds(30))
        let read = try found.map { row in
            var columns = row.columns
            return (try columns.next(as: Int64.self), try FeedBookingRow(&columns))
        }
        let bookings = try await names.bookings(read.map(\.1), from: client)
        var byID: [Int64: [FeedBooking]] = [:]
        for ((id, _), booking) in zip(read, bookings) { byID[id, default: []].append(booking) }
        let rows = try await client.query(
            """
            SELECT s.id, s.rrule, s.exdates, s.rdates, s.starts_at, s.ends_at, s.time_zone, r.revisions, r.updated_at
            FROM series s
            CROSS JOIN LATERAL (
                SELECT sum(b.version - 1)::bigint AS revisions, max(b.updated_at) AS updated_at
                FROM bookings b WHERE b.series_id = s.id) r
            WHERE s.id = ANY (\(Array(ids))) ORDER BY s.id
            """, deadline: .seconds(30))
        return try rows.map { row in
            var columns = row.columns
            let id: Int64 = try columns.next()
            let recurrence = RecurrenceText(
                rrule: try columns.next(), exdates: try columns.next(), rdates: try columns.next())
            let start: Date = try columns.next()
            let end: Date = try columns.next()
            return FeedSeries(
                reference: SeriesReference(id: id), recurrence: recurrence, first: start..<end,
                timeZone: try columns.next(), revisions: try columns.next(),
                updatedAt: try columns.next(), bookings: byID[id] ?? [])
        }
    }

    private func feedWindows(_ ids: ArraySlice<Int64>) async throws -> [ChangeWindow] {
        let rows = try await client.query(
            """
            SELECT \(unescaped: ChangeWindow.columnList) FROM change_windows w
            WHERE w.id = ANY (\(Array(ids))) ORDER BY w.id
            """, deadline: .seconds(30))
        return try rows.map(ChangeWindow.init)
    }
}

/// A booking as a page of a calendar reads it: with numbers for its environments and its team.
private struct FeedBookingRow {
    static let columnList = """
        b.id, b.state, b.environment_ids, b.starts_at, coalesce(b.released_at, b.ends_at), b.title, b.team_id,
        b.contact, b.mode, b.ticket, b.notes, b.requested_by, b.version, b.created_at, b.updated_at,
        b.recurrence_id
        """

    var environmentIDs: [Int64]
    var teamID: Int64
    var booking: FeedBooking

    init(_ row: PostgresRow) throws {
        var columns = row.columns
        try self.init(&columns)
    }

    init(_ columns: inout PostgresColumnReader) throws {
        let reference = BookingReference(id: try columns.next())
        let state: Booking.State = try columns.next()
        environmentIDs = try columns.next()
        let startsAt: Date = try columns.next()
        let endsAt: Date = try columns.next()
        let title: String = try columns.next()
        teamID = try columns.next()
        booking = FeedBooking(
            reference: reference, state: state, environments: [], startsAt: startsAt,
            // What was released before it began took no time at all, which no calendar can say.
            endsAt: max(endsAt, startsAt.addingTimeInterval(1)), title: title, team: "",
            contact: try columns.next(), mode: try columns.next(), ticket: try columns.next(),
            notes: try columns.next(), requestedBy: try columns.next(),
            version: try columns.next(), createdAt: try columns.next(),
            updatedAt: try columns.next(), recurrenceID: try columns.next())
    }
}

/// Keys of environments and names of teams, which are for ever, as one calendar needs them.
private struct FeedNames {
    private var keys: [Int64: String] = [:]
    private var teams: [Int64: String] = [:]

    mutating func bookings(
        _ rows: [FeedBookingRow], from client: PostgresClient
    ) async throws -> [FeedBooking] {
        let unknownKeys = Set(rows.lazy.flatMap(\.environmentIDs)).filter { keys[$0] == nil }
        if !unknownKeys.isEmpty {
            let found = try await client.query(
                "SELECT e.id, e.key FROM environments e WHERE e.id = ANY (\(Array(unknownKeys)))")
            for row in found {
                let (id, key) = try row.decode(Int64.self, String.self)
                keys[id] = key
            }
        }
        let unknownTeams = Set(rows.lazy.map(\.teamID)).filter { teams[$0] == nil }
        if !unknownTeams.isEmpty {
            let found = try await client.query(
                "SELECT t.id, t.name FROM teams t WHERE t.id = ANY (\(Array(unknownTeams)))")
            for row in found {
                let (id, name) = try row.decode(Int64.self, String.self)
                teams[id] = name
            }
        }
        return rows.map { row in
            var booking = row.booking
            booking.environments = row.environmentIDs.compactMap { keys[$0] }
            booking.team = teams[row.teamID] ?? ""
            return booking
        }
    }
}

extension Array {
    /// Its elements in pages of so many.
    fileprivate func pages(of size: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: size).map { self[$0..<Swift.min($0 + size, count)] }
    }
}
