import BerthCore
import Foundation
import Postgres

/// Which change windows a list shows: all that meet every condition given.
public struct WindowFilter: Sendable {
    /// The environment, whatever way the window comes to hold on it.
    public var environment: String?
    /// The team's name.
    public var team: String?
    /// Any of these; none: any at all.
    public var kinds: [ChangeWindow.Kind] = []
    /// Any of these; none: any at all.
    public var states: [ChangeWindow.State] = []
    /// Those with an occurrence in `[from, to)`.
    public var from: Date?
    /// The end of the span.
    public var to: Date?

    /// All windows.
    public init() {}
}

/// A move of a change window as it is asked for.
public struct WindowMoveCall: Sendable {
    /// The window.
    public var reference: WindowReference
    /// The version that it must have; nil: any.
    public var expecting: Int?
    /// Who asks.
    public var caller: Caller
    /// When it was asked.
    public var now: Date
    /// Decide, and write nothing.
    public var dryRun: Bool
    /// So that it happens once.
    public var idempotency: IdempotencyKey?

    /// A move of a window.
    public init(
        _ reference: WindowReference, expecting: Int? = nil, by caller: Caller, now: Date,
        dryRun: Bool = false, idempotency: IdempotencyKey? = nil
    ) {
        self.reference = reference
        self.expecting = expecting
        self.caller = caller
        self.now = now
        self.dryRun = dryRun
        self.idempotency = idempotency
    }
}

/// A window as it was planned, and what it lies over.
public struct PlannedWindow: Sendable {
    /// The window as it is now.
    public var window: ChangeWindow
    /// Bookings and other windows in its periods, those that gave way first; the first of them.
    public var hits: [Conflict]
    /// The bookings that gave way to it now.
    public var displaces: [Conflict]
}

extension BerthDatabase {
    /// The window of that reference, as it is at `now`. Throws `.notFound`.
    public func window(_ reference: WindowReference, now: Date) async throws -> ChangeWindow {
        try await translatingErrors {
            try await client.window(reference).advanced(to: now)
        }
    }

    /// Windows, the newest first. Cost: a scan of the windows, newest first, until the page is full.
    public func windows(
        _ filter: WindowFilter, _ page: Page, now: Date
    ) async throws -> Listing<ChangeWindow> {
        let query = try filter.query(page, now: now)
        return try await translatingErrors {
            let rows = try await client.query(query)
            return Listing(
                try rows.map { try ChangeWindow($0).advanced(to: now) }, limit: page.limit,
                position: { String($0.reference.id) })
        }
    }

    /// Plans a window: approved at once where the caller manages all its environments, and an emergency; else
    /// it waits for their owners. Throws `.invalid`, `.forbidden`, and `.conflict` with all that it may not
    /// meet.
    public func createWindow(
        _ draft: ChangeWindowDraft, by caller: Caller, now: Date, dryRun: Bool,
        idempotency: IdempotencyKey?, keep: @Sendable (PlannedWindow) throws -> KeptAnswer
    ) async throws -> Once<PlannedWindow> {
        try await explainingWindowClashes {
            try await once(idempotency, now: now, dryRun: dryRun, keep: keep) { transaction in
                let decision = Decision(transaction: transaction, caller: caller, now: now)
                return try await decision.planned(decision.createWindow(draft))
            }
        }
    }

    /// Edits a window under its locks. What a manager of all its environments edits stays approved; what its
    /// asker edits waits for approval again. Throws as ``createWindow(_:by:now:dryRun:idempotency:keep:)``,
    /// and `.notFound`, `.stale`, `.illegalMove`.
    public func updateWindow(
        _ call: WindowMoveCall, keep: @Sendable (PlannedWindow) throws -> KeptAnswer,
        _ change: @Sendable (ChangeWindow) throws -> ChangeWindowDraft
    ) async throws -> Once<PlannedWindow> {
        try await decideWindow(call, keep: keep) { decision, window in
            try await decision.update(window, to: change(window))
        }
    }

    /// Says yes to a window, for the environments that the caller manages; the last yes approves it.
    /// Throws `.notFound`, `.stale`, `.forbidden`, `.illegalMove`, `.conflict`.
    public func approveWindow(
        _ call: WindowMoveCall, note: String?, keep: @Sendable (PlannedWindow) throws -> KeptAnswer
    ) async throws -> Once<PlannedWindow> {
        try await decideWindow(call, keep: keep) { decision, window in
            try await decision.decide(window, .approved, note: note)
        }
    }

    /// Says no to a window, which is the last word. Throws as ``approveWindow(_:note:keep:)``.
    public func rejectWindow(
        _ call: WindowMoveCall, note: String?, keep: @Sendable (PlannedWindow) throws -> KeptAnswer
    ) async throws -> Once<PlannedWindow> {
        try await decideWindow(call, keep: keep) { decision, window in
            try await decision.decide(window, .rejected, note: note)
        }
    }

    /// Calls a window off. Throws as ``approveWindow(_:note:keep:)``.
    public func cancelWindow(
        _ call: WindowMoveCall, reason: String?,
        keep: @Sendable (PlannedWindow) throws -> KeptAnswer
    ) async throws -> Once<PlannedWindow> {
        try await decideWindow(call, keep: keep) { decision, window in
            try await decision.cancel(window, reason: reason)
        }
    }

    private func decideWindow(
        _ call: WindowMoveCall, keep: @Sendable (PlannedWindow) throws -> KeptAnswer,
        _ body: @Sendable (Decision, ChangeWindow) async throws -> Void
    ) async throws -> Once<PlannedWindow> {
        try await explainingWindowClashes {
            try await once(call.idempotency, now: call.now, dryRun: call.dryRun, keep: keep) {
                transaction in
                let decision = Decision(
                    transaction: transaction, caller: call.caller, now: call.now)
                try await decision.lockWindows()
                let window = try await decision.transaction.window(call.reference)
                    .advanced(to: call.now)
                if let expected = call.expecting, expected != window.version {
                    throw BerthError.stale(current: window.version)
                }
                try await body(decision, window)
                return try await decision.planned(
                    decision.transaction.window(call.reference).advanced(to: call.now))
            }
        }
    }

    private func explainingWindowClashes<Value: Sendable>(
        _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch let clashes as WindowClashes {
            throw try await translatingErrors {
                try await client.refusal(of: clashes.clashes, both: false)
            }
        }
    }
}

extension PostgresQuerying {
    /// The window of that reference as stored. Throws `.notFound`.
    func window(_ reference: WindowReference) async throws -> ChangeWindow {
        let rows = try await query(
            """
            SELECT \(unescaped: ChangeWindow.columnList) FROM change_windows w WHERE w.id = \(reference.id)
            """)
        guard let row = rows.first else { throw BerthError.notFound("no window \(reference)") }
        return try ChangeWindow(row)
    }
}

extension WindowFilter {
    fileprivate func query(_ page: Page, now: Date) throws -> PostgresQuery {
        var conditions = BoundConditions()
        if let before = try page.id() { conditions.add("w.id <", before) }
        if let environment {
            conditions.add(
                """
                EXISTS (SELECT FROM environments e
                        CROSS JOIN window_environments(
                            w.kind, w.environment_ids, w.labels, w.include_parts) n
                        WHERE n.environment_id = e.id AND e.key =
                """, environment, close: ")")
        }
        if let team {
            conditions.add("w.team_id = (SELECT team_id(", team, close: "))")
        }
        if !kinds.isEmpty {
            conditions.add("w.kind = ANY (", kinds.map(\.rawValue), close: "::text[])")
        }
        if !states.isEmpty {
            conditions.add(
                """
                (CASE WHEN w.state = 'approved' AND last_end(w) <= '\(RFC3339.string(now))'
                      THEN 'ended' ELSE w.state END) = ANY (
                """, states.map(\.rawValue), close: "::text[])")
        }
        if let to { conditions.add("w.starts_at <", to) }
        if let from { conditions.add("last_end(w) >", from) }
        return conditions.query(
            select: "SELECT \(ChangeWindow.columnList) FROM change_windows w",
            suffix: "ORDER BY w.id DESC LIMIT \(page.limit + 1)")
    }
}
