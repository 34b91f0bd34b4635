import BerthCore
import Foundation
import Postgres

/// What a timeline is asked for.
public struct TimelineQuestion: Sendable, Hashable {
    /// The span that is drawn.
    public var span: Range<Date>
    /// A selector of rows; see ``EnvironmentFilter/labels``.
    public var labels: [String: String] = [:]
    /// Keys of rows; empty: all that the selector matches.
    public var keys: [String] = []
    /// Whether parts of what is booked have their bookings drawn as well.
    public var withParts = false

    /// All rows.
    public init(span: Range<Date>) {
        self.span = span
    }
}

extension BerthDatabase {
    /// Names the state of the records that a timeline read from now on shows at least: the same name, the same
    /// timeline. Behind the place before which all is told, more may have been committed, and its number only grows
    /// until that place does. Cost: the outbox' end, by its key.
    public func timelineTag() async throws -> String {
        try await translatingErrors {
            let rows = try await client.query(
                """
                SELECT coalesce((
                           SELECT o.xid::text || '-' || o.id FROM outbox o
                           WHERE o.xid < (SELECT pg_snapshot_xmin(pg_current_snapshot()))
                           ORDER BY o.xid DESC, o.id DESC LIMIT 1),
                           -- All that was told is forgotten: no earlier state has this name.
                           (SELECT s.last_value::text FROM outbox_id_seq s))
                       || '-' || (SELECT count(*) FROM outbox o
                                  WHERE o.xid >= (SELECT pg_snapshot_xmin(pg_current_snapshot())))
                """)
            return try rows[rows.startIndex].decode(String.self)
        }
    }

    /// What the timeline page draws. Throws `.invalid` when that is more than the bounds say. Cost: claims, spans and
    /// changes of the rows within the span, each by an index.
    public func timeline(_ question: TimelineQuestion, now: Date) async throws -> Timeline {
        try await translatingErrors {
            // Before anything else is read: what is written from here on comes by the stream, perhaps once more.
            let position = try await streamPosition()
            var filter = EnvironmentFilter()
            filter.labels = question.labels
            filter.keys = question.keys
            let environments = try await self.environments(
                filter, Page(limit: Limits.timelineEnvironments))
            guard environments.next == nil else {
                throw BerthError.invalid(
                    "labels",
                    "match more than \(Limits.timelineEnvironments) environments: ask for fewer")
            }
            var reading = TimelineReading(
                Timeline(
                    span: question.span, at: now, position: position.description,
                    environments: environments.items))
            try reading.add(bookings: await client.query(reading.bookings(question)))
            try reading.add(windows: await client.query(reading.windows))
            try reading.add(changes: await client.query(reading.changes))
            return reading.timeline
        }
    }
}

extension Timeline {
    /// The bits of ``Flag`` of a booking `b`.
    static let flagsSQL = """
        CASE WHEN b.series_id IS NULL THEN 0 ELSE 1 END
        + CASE WHEN b.released_at IS NULL THEN 0 ELSE 2 END
        + CASE WHEN b.approved_version IS NULL THEN 0 ELSE 4 END
        + CASE WHEN b.checked_in_at IS NULL THEN 0 ELSE 8 END
        + CASE WHEN b.record_only THEN 16 ELSE 0 END
        """
}

/// A timeline while its rows are read.
private struct TimelineReading {
    var timeline: Timeline
    private var teams = Interned()
    private var titles = Interned()
    private let indexes: [Int64: Int]

    init(_ timeline: Timeline) {
        self.timeline = timeline
        indexes = Dictionary(
            uniqueKeysWithValues: timeline.environments.enumerated().map { ($1.id, $0) })
    }

    private var ids: [Int64] { timeline.environments.map(\.id) }

    /// Lines of bookings: what is held, by claims; who waits and what is only on record, by the bookings.
    func bookings(_ question: TimelineQuestion) -> PostgresQuery {
        let from = question.span.lowerBound
        let until = question.span.upperBound
        return """
            SELECT b.id, l.environment_id, l.exclusive,
                   CASE WHEN l.environment_id = ANY (b.environment_ids) THEN NULL ELSE (
                       SELECT r.environment_id FROM environment_reach r
                       WHERE r.part_id = l.environment_id AND r.environment_id = ANY (b.environment_ids)
                       ORDER BY r.environment_id LIMIT 1) END,
                   b.version, b.starts_at, coalesce(b.released_at, b.ends_at), b.state, b.mode, t.name, b.title,
                   b.setup_minutes::integer, b.teardown_minutes::integer, \(unescaped: Timeline.flagsSQL)
            FROM (
                SELECT c.booking_id, c.environment_id, least(c.share_key, 1)::integer AS exclusive
                FROM claims c
                WHERE c.environment_id = ANY (\(ids)) AND c.lane = 'use' AND c.booking_id IS NOT NULL
                  AND c.period && tstzrange(\(from), \(until), '[)')
                UNION ALL
                SELECT w.id, n.id, 0 FROM bookings w CROSS JOIN unnest(w.environment_ids) n (id)
                WHERE w.state IN ('waitlisted', 'displaced') AND n.id = ANY (\(ids))
                  AND w.environment_ids && \(ids)
                  AND booking_overlaps(w.starts_at, w.ends_at, \(from), \(until))
                UNION ALL
                SELECT w.id, n.id, 0 FROM bookings w CROSS JOIN unnest(w.environment_ids) n (id)
                WHERE w.record_only AND n.id = ANY (\(ids))
                  AND booking_overlaps(w.starts_at, w.ends_at, \(from), \(until))) l
            JOIN bookings b ON b.id = l.booking_id
            JOIN teams t ON t.id = b.team_id
            WHERE \(question.withParts) OR l.environment_id = ANY (b.environment_ids)
            ORDER BY l.booking_id, l.environment_id
            LIMIT \(Limits.timelineLines + 1)
            """
    }

    var windows: PostgresQuery {
        """
        SELECT s.window_id, s.environment_id, s.kind, s.state, lower(s.period), upper(s.period), w.title
        FROM window_spans s JOIN change_windows w ON w.id = s.window_id
        WHERE s.environment_id = ANY (\(ids))
          AND s.period && tstzrange(\(timeline.span.lowerBound), \(timeline.span.upperBound), '[)')
          AND s.valid_until = 'infinity' AND s.state IN ('requested', 'approved')
        ORDER BY s.window_id, lower(s.period), s.environment_id
        LIMIT \(Limits.timelineLines + 1)
        """
    }

    /// Changes as they stand: of a corrected one its last correction, by the hardest judgement that stands.
    var changes: PostgresQuery {
        """
        SELECT c.id, c.environment_id, c.occurred_at,
               CASE WHEN c.corrects IS NULL THEN c.control
                    ELSE (SELECT e.control FROM change_log e WHERE e.id = (standing(c.id)).entry_id) END,
               t.name
        FROM change_log c
        LEFT JOIN teams g ON g.id = c.team_id
        LEFT JOIN teams t ON t.id = coalesce(g.merged_into, g.id)
        WHERE c.environment_id = ANY (\(ids)) AND c.entry = 'change'
          AND c.occurred_at >= \(timeline.span.lowerBound) AND c.occurred_at < \(timeline.span.upperBound)
          AND NOT EXISTS (SELECT FROM change_log n WHERE n.corrects = c.id)
        ORDER BY c.environment_id, c.occurred_at, c.id
        LIMIT \(Limits.timelineLines + 1)
        """
    }

    mutating func add(bookings rows: PostgresRows) throws {
        try Self.requireFew(rows)
        titles.reserve(rows.count)
        var last: Int64?
        var lastLine: (booking: Int64, row: Int)?
        for row in rows {
            var columns = row.columns
            let id: Int64 = try columns.next()
            let environment: Int64 = try columns.next()
            let exclusive: Int = try columns.next()
            let via: Int64? = try columns.next()
            if id != last {
                last = id
                try add(booking: id, &columns)
            }
            guard let line = indexes[environment] else { continue }
            // An edit that is not decided yet claims a row twice: as it is, and as it was approved.
            if id == lastLine?.booking, line == lastLine?.row {
                let end = timeline.lines.exclusives.endIndex - 1
                timeline.lines.exclusives[end] = max(timeline.lines.exclusives[end], exclusive)
                continue
            }
            lastLine = (id, line)
            timeline.lines.bookingIndexes.append(timeline.bookings.ids.count - 1)
            timeline.lines.environmentIndexes.append(line)
            timeline.lines.viaIndexes.append(via.flatMap { indexes[$0] } ?? -1)
            timeline.lines.exclusives.append(exclusive)
        }
        timeline.teams = teams.texts
        timeline.titles = titles.texts
    }

    private mutating func add(booking id: Int64, _ columns: inout PostgresColumnReader) throws {
        timeline.bookings.ids.append(Int(id))
        timeline.bookings.versions.append(try columns.next())
        let start = timeline.minute(try columns.next())
        timeline.bookings.starts.append(start)
        timeline.bookings.lengths.append(timeline.minuteAfter(try columns.next()) - start)
        timeline.bookings.states.append(try columns.next())
        timeline.bookings.modes.append(try columns.next())
        timeline.bookings.teamIndexes.append(teams.index(of: try columns.next()))
        timeline.bookings.titleIndexes.append(titles.index(of: try columns.next()))
        timeline.bookings.setups.append(try columns.next())
        timeline.bookings.teardowns.append(try columns.next())
        timeline.bookings.flags.append(try columns.next())
    }

    mutating func add(windows rows: PostgresRows) throws {
        try Self.requireFew(rows)
        var last: (id: Int64, begins: Date)?
        for row in rows {
            let (id, environment, kind, state, begins, ends, title) = try row.decode(
                Int64.self, Int64.self, ChangeWindow.Kind.self, ChangeWindow.State.self, Date.self,
                Date.self, String.self)
            if last?.id != id || last?.begins != begins {
                last = (id, begins)
                let start = timeline.minute(begins)
                timeline.windows.ids.append(Int(id))
                timeline.windows.kinds.append(kind)
                timeline.windows.states.append(state)
                timeline.windows.starts.append(start)
                timeline.windows.lengths.append(timeline.minuteAfter(ends) - start)
                timeline.windows.titleIndexes.append(titles.index(of: title))
            }
            guard let line = indexes[environment] else { continue }
            timeline.windows.lineWindowIndexes.append(timeline.windows.ids.count - 1)
            timeline.windows.lineEnvironmentIndexes.append(line)
        }
        timeline.titles = titles.texts
    }

    mutating func add(changes rows: PostgresRows) throws {
        try Self.requireFew(rows)
        for row in rows {
            let (id, environment, at, control, team) = try row.decode(
                Int64.self, Int64.self, Date.self, Change.Control.self, String?.self)
            guard let line = indexes[environment] else { continue }
            timeline.changes.ids.append(Int(id))
            timeline.changes.environmentIndexes.append(line)
            timeline.changes.ats.append(timeline.minute(at))
            timeline.changes.controls.append(control)
            timeline.changes.teamIndexes.append(team.map { teams.index(of: $0) } ?? -1)
        }
        timeline.teams = teams.texts
    }

    private static func requireFew(_ rows: PostgresRows) throws {
        guard rows.count <= Limits.timelineLines else {
            throw BerthError.invalid(
                "from",
                "asks for more than \(Limits.timelineLines) lines: ask for fewer days, or fewer environments by labels"
            )
        }
    }
}

/// Texts, each kept once.
private struct Interned {
    private(set) var texts: [String] = []
    private var indexes: [String: Int] = [:]

    mutating func reserve(_ count: Int) {
        indexes.reserveCapacity(count)
        texts.reserveCapacity(count)
    }

    mutating func index(of text: String) -> Int {
        if let index = indexes[text] { return index }
        indexes[text] = texts.count
        texts.append(text)
        return texts.count - 1
    }
}
