import BerthCore
import Foundation
import Postgres

extension Decision {
    /// Takes the lock of selectors and of the graph of parts: first of all locks, by whoever plans.
    func lockWindows() async throws {
        try await transaction.query("SELECT lock_part_graph()")
    }

    /// Plans a window. Throws ``WindowClashes``.
    func createWindow(_ draft: ChangeWindowDraft) async throws -> ChangeWindow {
        try await lockWindows()
        let place = try await place(of: draft)
        let managesAll = place.isManaged(by: caller)
        try draft.check(by: caller, managesAll: managesAll, now: now)
        let isApproved = draft.emergency != nil || draft.approvedAt != nil || managesAll
        let state: ChangeWindow.State = isApproved ? .approved : .requested
        let approvals = approvals(of: draft, on: place.environments, isGiven: isApproved)
        let starts = try place.starts(of: draft)
        let rows = try await transaction.query("SELECT nextval('change_windows_id_seq')")
        let id = try rows[rows.startIndex].decode(Int64.self)
        let locked = try await makeRoom(
            for: draft, starts: starts, on: place, as: state, by: WindowReference(id: id))
        let approvedAt = isApproved ? draft.approvedAt ?? now.flooredToSecond : nil
        let teamID = try await teamID(of: draft)
        try await refusingClashes {
            try await transaction.query(
                """
                INSERT INTO change_windows (
                    id, kind, state, environment_ids, labels, include_parts, team_id, title, ticket, notes,
                    requested_by, approvals, approved_at, exception_to, emergency_reason, on_conflict,
                    starts_at, ends_at, time_zone, rrule, exdates, rdates, occurrence_starts,
                    import_identity, created_at, updated_at, updated_by)
                VALUES (\(id), \(draft.kind), \(state), \(place.listedIDs),
                    \(draft.labels.map { PostgresJSON($0) }), \(draft.includeParts), \(teamID),
                    \(draft.title), \(draft.ticket), \(draft.notes), \(caller.name),
                    \(PostgresJSON(approvals)), \(approvedAt), \(draft.exceptionTo?.id),
                    \(draft.emergency), \(draft.onConflict.rawValue), \(starts[0]),
                    \(starts[0].addingTimeInterval(draft.length)), \(place.timeZone(of: draft)),
                    \(draft.recurrence?.rrule), \(draft.recurrence?.exdates ?? []),
                    \(draft.recurrence?.rdates ?? []), \(starts), \(draft.importIdentity), \(now),
                    \(now), \(caller.name))
                """)
        }
        try await serveLine(locked: locked)
        return try await transaction.window(WindowReference(id: id)).advanced(to: now)
    }

    /// Makes a window what its draft says. Throws ``WindowClashes``.
    func update(_ window: ChangeWindow, to draft: ChangeWindowDraft) async throws {
        guard [.requested, .approved].contains(window.state) else {
            throw BerthError.illegalMove(
                "\(window.reference) is \(window.state): it cannot be edited")
        }
        let before = try await place(of: window.draft)
        let place = try await place(of: draft)
        try draft.check(
            by: caller, managesAll: place.isManaged(by: caller), planned: window.draft.startsAt,
            now: now)
        if draft == window.draft { return }
        let managesAll = (before.environments + place.environments).allSatisfy(caller.manages)
        let isOwn = caller.owns(window.requestedBy, madeAt: window.createdAt)
        guard managesAll || isOwn else {
            throw BerthError.forbidden(
                "\(window.reference) is edited by who asked for it, and by managers of its environments"
            )
        }
        var plain = window.draft
        plain.title = draft.title
        plain.ticket = draft.ticket
        plain.notes = draft.notes
        let moves = draft != plain
        // An emergency never waited for anybody, and its bounds hold for what it becomes too.
        let isApproved =
            window.state == .approved && (managesAll || !moves || draft.emergency != nil)
        let starts = try place.starts(of: draft)
        let locked = try await makeRoom(
            for: draft, starts: starts, on: place, as: isApproved ? .approved : .requested,
            by: window.reference, freeing: before.reachIDs)
        let approvals =
            moves && !isApproved
            ? self.approvals(of: draft, on: place.environments, isGiven: false) : window.approvals
        let teamID = try await teamID(of: draft)
        try await refusingClashes {
            try await transaction.query(
                """
                UPDATE change_windows
                SET state = \(isApproved ? ChangeWindow.State.approved : .requested),
                    approved_at = \(isApproved ? window.approvedAt : nil),
                    approvals = \(PostgresJSON(approvals)), environment_ids = \(place.listedIDs),
                    labels = \(draft.labels.map { PostgresJSON($0) }),
                    include_parts = \(draft.includeParts), team_id = \(teamID), title = \(draft.title),
                    ticket = \(draft.ticket), notes = \(draft.notes),
                    exception_to = \(draft.exceptionTo?.id), on_conflict = \(draft.onConflict.rawValue),
                    starts_at = \(starts[0]), ends_at = \(starts[0].addingTimeInterval(draft.length)),
                    time_zone = \(place.timeZone(of: draft)), rrule = \(draft.recurrence?.rrule),
                    exdates = \(draft.recurrence?.exdates ?? []),
                    rdates = \(draft.recurrence?.rdates ?? []), occurrence_starts = \(starts),
                    updated_at = \(now), updated_by = \(caller.name)
                WHERE id = \(window.reference.id)
                """)
        }
        try await serveLine(locked: locked)
    }

    /// Says yes or no for the environments that the caller manages. Throws ``WindowClashes``.
    func decide(_ window: ChangeWindow, _ verdict: Approval.State, note: String?) async throws {
        let place = try await place(of: window.draft)
        guard place.environments.contains(where: caller.manages) || caller.role == .admin else {
            throw BerthError.forbidden("\(caller.name) manages none of its environments")
        }
        if window.state == .approved, verdict == .approved { return }
        guard window.state == .requested else {
            throw BerthError.illegalMove(
                "\(window.reference) is \(window.state): it cannot be \(verdict)")
        }
        var approvals = window.approvals
        let mine = approvals.indices.filter {
            approvals[$0].state == .pending && mayDecide(approvals[$0], of: window, on: place)
        }
        guard !mine.isEmpty else {
            let others = approvals.filter { $0.state == .pending }.map {
                $0.ownerTeam ?? "an admin"
            }
            throw BerthError.forbidden(
                "\(window.reference) waits for \(others.joined(separator: ", "))")
        }
        for index in mine {
            approvals[index].state = verdict
            approvals[index].by = caller.name
            approvals[index].at = now.flooredToSecond
            approvals[index].note = note
        }
        var state = window.state
        if verdict == .rejected {
            state = .rejected
        } else if approvals.allSatisfy({ $0.state == .approved }) {
            state = .approved
        }
        let locked = try await makeRoom(
            for: window.draft, starts: window.starts, on: place, as: state, by: window.reference)
        try await move(
            window, to: state, reason: verdict == .rejected ? note : nil, approvals: approvals)
        try await serveLine(locked: locked)
    }

    /// Calls it off: what it still held is free.
    func cancel(_ window: ChangeWindow, reason: String?) async throws {
        let place = try await place(of: window.draft)
        guard
            caller.owns(window.requestedBy, madeAt: window.createdAt) || caller.role == .admin
                || (!place.environments.isEmpty && place.environments.allSatisfy(caller.manages))
        else {
            throw BerthError.forbidden(
                "\(window.reference) is cancelled by who asked for it, and by managers of its environments"
            )
        }
        guard [.requested, .approved].contains(window.state) else {
            throw BerthError.illegalMove(
                "\(window.reference) is \(window.state): it cannot be cancelled")
        }
        let locked = try await lock(environments: place.reachIDs)
        try await move(window, to: .cancelled, reason: reason, approvals: window.approvals)
        try await serveLine(locked: locked)
    }

    private func move(
        _ window: ChangeWindow, to state: ChangeWindow.State, reason: String?,
        approvals: [Approval]
    ) async throws {
        let approvedAt = state == .approved ? now.flooredToSecond : window.approvedAt
        try await refusingClashes {
            try await transaction.query(
                """
                UPDATE change_windows
                SET state = \(state), state_reason = \(reason), approvals = \(PostgresJSON(approvals)),
                    approved_at = \(approvedAt), updated_at = \(now), updated_by = \(caller.name)
                WHERE id = \(window.reference.id)
                """)
        }
    }

    /// Where a selector stands for them, the owner's approval is given by who manages all that is its.
    private func mayDecide(
        _ approval: Approval, of window: ChangeWindow, on place: WindowPlace
    ) -> Bool {
        if caller.role == .admin { return true }
        let concerned = place.environments.filter {
            window.draft.labels == nil
                ? $0.key == approval.environment : $0.ownerTeam == approval.ownerTeam
        }
        return !concerned.isEmpty && concerned.allSatisfy(caller.manages)
    }

    private func approvals(
        of draft: ChangeWindowDraft, on environments: [TestEnvironment], isGiven: Bool
    ) -> [Approval] {
        var approvals: [Approval]
        if let labels = draft.labels {
            let selector = labels.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }
                .joined(separator: ",")
            let owners = Set(environments.map(\.ownerTeam)).sorted { ($0 ?? "") < ($1 ?? "") }
            approvals = (owners.isEmpty ? [nil] : owners).map {
                Approval(environment: selector, ownerTeam: $0)
            }
        } else {
            approvals = environments.map { Approval(environment: $0.key, ownerTeam: $0.ownerTeam) }
        }
        guard isGiven else { return approvals }
        for index in approvals.indices {
            approvals[index].state = .approved
            approvals[index].by = caller.name
            approvals[index].at = draft.approvedAt ?? now.flooredToSecond
        }
        return approvals
    }

    private func teamID(of draft: ChangeWindowDraft) async throws -> Int64? {
        guard let team = draft.team else { return nil }
        return try await transaction.teamID(team, pointer: "/team", by: caller, now: now)
    }

    private func refusingClashes(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as PostgresError where error.isWindowClash {
            throw WindowClashes(error)
        }
    }
}
