import BerthCore
import DequeModule
import Foundation
import Postgres

/// A change with what its names stand for, ready to be judged and appended.
struct ChangeRecord: Sendable {
    var draft: ChangeDraft
    var environmentID: Int64
    var teamID: Int64?
    var by: String
    var now: Date
}

/// Appends to the change log. Those that come in while a transaction commits are judged and appended together
/// by the next one: the chain has one end, so that one commit each would wait for the other's disk.
///
/// One batch is under way at a time, in a task of its own, so that a caller that goes away cancels nobody
/// else's entry.
public actor ChangeWriter {
    /// The most entries in one transaction, and the most that wait.
    private static let mostTogether = 256
    private static let mostWaiting = 4_096

    private struct Waiting {
        var record: ChangeRecord
        var answer: CheckedContinuation<Change?, any Error>
    }

    private let client: PostgresClient
    private var waiting: Deque<Waiting> = []
    private var isWriting = false

    init(client: PostgresClient) {
        self.client = client
    }

    /// Judges and appends one, first come first served; nil when its source reported it before. Throws
    /// `.unavailable` when too many wait.
    func append(_ record: ChangeRecord) async throws -> Change? {
        guard waiting.count < Self.mostWaiting else {
            throw BerthError.unavailable(retryAfterSeconds: 1)
        }
        return try await withCheckedThrowingContinuation { continuation in
            waiting.append(Waiting(record: record, answer: continuation))
            if !isWriting {
                isWriting = true
                Task { await writeUntilNoneWait() }
            }
        }
    }

    private func writeUntilNoneWait() async {
        while !waiting.isEmpty {
            let batch = Array(waiting.prefix(Self.mostTogether))
            waiting.removeFirst(batch.count)
            await write(batch)
        }
        isWriting = false
    }

    private func write(_ batch: [Waiting]) async {
        do {
            let entries = try await client.appendChanges(batch.map(\.record))
            for (waiting, entry) in zip(batch, entries) { waiting.answer.resume(returning: entry) }
        } catch let error as PostgresError where error.sqlState != nil && batch.count > 1 {
            // One entry broke the statement for all: each is appended alone.
            for waiting in batch { await write([waiting]) }
        } catch {
            for waiting in batch { waiting.answer.resume(throwing: error) }
        }
    }
}

extension PostgresQuerying {
    /// Judges and appends changes in order, in one transaction. Gives the entry of each, nil for one that its
    /// source reported before.
    func appendChanges(_ records: [ChangeRecord]) async throws -> [Change?] {
        let drafts = records.map(\.draft)
        let now = records.map(\.now).max() ?? Date(timeIntervalSince1970: 0)
        let rows = try await query(
            """
            SELECT a.ordinal, a.id, a.control, a.reasons, a.window_id, a.bookings_hit, a.is_late,
                   a.approved_late, a.hash
            FROM append_changes(
                \(now), \(records.map(\.by)), \(drafts.map(\.source)), \(drafts.map(\.sourceID)),
                \(records.map(\.environmentID)), \(drafts.map(\.occurredAt)), \(drafts.map(\.actor)),
                \(records.map(\.teamID)), \(drafts.map(\.kind)), \(drafts.map(\.summary)),
                \(drafts.map(\.component)), \(drafts.map(\.version)), \(drafts.map(\.ticket)),
                \(drafts.map(\.emergency)), \(drafts.map(\.corrects)), \(drafts.map(\.claimedTeam))) a
            """, deadline: .seconds(30))
        var entries = [Change?](repeating: nil, count: records.count)
        for row in rows {
            var columns = row.columns
            let index = try columns.next(as: Int.self) - 1
            let id: Int64 = try columns.next()
            let control: Change.Control = try columns.next()
            let reasons: [String] = try columns.next()
            let window: Int64? = try columns.next()
            let bookings: [Int64] = try columns.next()
            let isLate: Bool = try columns.next()
            let approvedLate: Bool = try columns.next()
            let hash: Data = try columns.next()
            entries[index] = Change(
                id: id, draft: drafts[index], recordedAt: now, recordedBy: records[index].by,
                control: control, judgedAs: control, reasons: reasons,
                window: window.map(WindowReference.init(id:)),
                bookingsHit: bookings.map(BookingReference.init(id:)), isLate: isLate,
                approvedLate: approvedLate, review: nil, supersededBy: nil, hash: Array(hash))
        }
        return entries
    }
}
