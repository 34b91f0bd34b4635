import BerthCore
import Foundation
import Postgres

extension Change {
    /// What a query selects to make one, of `c`: `shown_changes`, or `latest_changes` of them.
    static let columnList = """
        c.id, (SELECT e.key FROM environments e WHERE e.id = c.environment_id), c.occurred_at, c.actor,
        team_name(c.team_id), c.kind, c.summary, c.component,
        c.component_version, c.ticket, c.emergency_reason, c.corrects, c.source, c.source_id, c.recorded_at,
        c.recorded_by, c.control, c.reasons, c.window_id, c.bookings_hit, c.is_late, c.approved_late,
        (SELECT jsonb_build_object('state', r.review, 'by', r.recorded_by, 'at', r.recorded_at,
                                   'note', r.review_note)
         FROM change_log r WHERE r.id = c.review_id),
        (SELECT max(n.id) FROM change_log n
         WHERE n.id > c.id AND (n.corrects = c.root_id
                                OR (n.root_id = c.root_id AND n.entry = 'late-approval'))),
        c.hash, c.judged_as, c.claimed_team
        """

    init(_ row: PostgresRow) throws {
        var columns = row.columns
        let id: Int64 = try columns.next()
        var draft = ChangeDraft(
            environment: try columns.next(), occurredAt: try columns.next(),
            actor: try columns.next(), team: try columns.next(), kind: try columns.next(),
            summary: try columns.next())
        draft.component = try columns.next()
        draft.version = try columns.next()
        draft.ticket = try columns.next()
        draft.emergency = try columns.next()
        draft.corrects = try columns.next()
        draft.source = try columns.next()
        draft.sourceID = try columns.next()
        let recordedAt: Date = try columns.next()
        let recordedBy: String = try columns.next()
        let control: Control = try columns.next()
        let reasons: [String] = try columns.next()
        let window: Int64? = try columns.next()
        let bookings: [Int64] = try columns.next()
        let isLate: Bool = try columns.next()
        let approvedLate: Bool = try columns.next()
        let review: PostgresJSON<StoredReview>? = try columns.next()
        let supersededBy: Int64? = try columns.next()
        let hash: Data = try columns.next()
        let judgedAs: Control = try columns.next()
        draft.claimedTeam = try columns.next()
        self.init(
            id: id, draft: draft, recordedAt: recordedAt, recordedBy: recordedBy, control: control,
            judgedAs: judgedAs, reasons: reasons, window: window.map(WindowReference.init(id:)),
            bookingsHit: bookings.map(BookingReference.init(id:)), isLate: isLate,
            approvedLate: approvedLate, review: review?.value.review, supersededBy: supersededBy,
            hash: Array(hash))
    }
}

/// A review as the query gives it.
private struct StoredReview: Decodable, Sendable {
    var state: String
    var by: String
    var at: Date
    var note: String?

    var review: Change.Review? {
        Change.Review.State(rawValue: state).map {
            Change.Review(state: $0, by: by, at: at.flooredToSecond, note: note)
        }
    }
}

extension ChangeKind: PostgresEncodable, PostgresDecodable, PostgresArrayElement {}
extension Change.Control: PostgresEncodable, PostgresDecodable, PostgresArrayElement {}
