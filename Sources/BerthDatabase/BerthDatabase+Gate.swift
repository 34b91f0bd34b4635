import BerthCore
import Foundation
import Postgres

extension BerthDatabase {
    /// Whether an environment is open at an instant for a team: as it was, for one that is past, and as it is
    /// planned now, for one to come. Throws `.notFound`, and `.invalid` for a team that there is not.
    ///
    /// Cost: three index probes; for the next transition, as many for each instant until it, at most
    /// ``Limits/gateInstants``.
    public func gate(
        _ key: String, for purpose: Gate.Purpose, at: Date, team: String?, now: Date
    ) async throws -> Gate {
        try await translatingErrors {
            let environment = try await environment(key)
            var teamID: Int64?
            if let team {
                teamID = try await teams.id(team, from: client)
                guard teamID != nil else {
                    throw BerthError.invalid("team", "there is no team \(team)")
                }
            }
            let question = GateQuestion(
                environment: environment, purpose: purpose, at: at, team: team, teamID: teamID,
                knownAt: min(at, now.flooredToSecond))
            switch purpose {
            case .change: return try await client.gateForChange(question)
            case .use: return try await client.gateForUse(question)
            }
        }
    }
}

/// What a gate is asked.
private struct GateQuestion {
    var environment: TestEnvironment
    var purpose: Gate.Purpose
    var at: Date
    var team: String?
    var teamID: Int64?
    var knownAt: Date
}

extension PostgresQuerying {
    fileprivate func gateForChange(_ question: GateQuestion) async throws -> Gate {
        let id = question.environment.id
        let rows = try await query(
            """
            SELECT w.window_id, w.emergency_id, w.freezes, w.requested_id, w.others, w.own_booking, w.is_open
            FROM weigh_changes(
                \([id]), \([question.teamID]), \([question.at]), \([question.knownAt])) w
            """)
        let (window, emergency, freezes, requested, others, own, policyIsOpen) =
            try rows[rows.startIndex].decode(
                Int64?.self, Int64?.self, [Int64].self, Int64?.self, [Int64].self, Int64?.self,
                Bool.self)
        let isAllowed =
            window != nil || own != nil || (policyIsOpen && others.isEmpty)
        let isOpen = emergency != nil || (freezes.isEmpty && isAllowed)
        let hit = try await holders(others, windows: [], question)
        var reasons: [Gate.Reason] = []
        if !isOpen {
            reasons = try await holders([], windows: freezes, question).map { .init(.holder($0)) }
            if !isAllowed { reasons += hit.map { .init(.holder($0)) } }
            if !isAllowed, !policyIsOpen {
                reasons.append(
                    .init(.noWindow(requested: requested.map(WindowReference.init(id:)))))
            }
        }
        let openers = isOpen ? [emergency, emergency == nil ? window : nil].compactMap { $0 } : []
        return try await gate(
            question, isOpen: isOpen, reasons: reasons,
            openedBy: holders(
                isOpen && openers.isEmpty ? [own].compactMap { $0 } : [], windows: openers, question
            ),
            wouldHit: hit)
    }

    fileprivate func gateForUse(_ question: GateQuestion) async throws -> Gate {
        let environment = question.environment
        let rows = try await query(
            """
            SELECT o.booking_id, o.window_id FROM use_obstacles(
                \(environment.id), \(question.teamID), \(question.at)) o
            """)
        let obstacles = try rows.map { try $0.decode(Int64?.self, Int64?.self) }
        var reasons: [Gate.Reason] = try await holders(
            obstacles.compactMap(\.0), windows: obstacles.compactMap(\.1), question
        ).map { .init(.holder($0)) }
        let isUsable =
            environment.status != .retired
            && (environment.status != .unavailable
                || environment.statusUntil.map { $0 <= question.at } ?? false)
        if !isUsable {
            reasons.append(
                .init(
                    .status(
                        environment.status.rawValue, reason: environment.statusReason,
                        until: environment.statusUntil)))
        }
        return try await gate(
            question, isOpen: reasons.isEmpty, reasons: reasons, openedBy: [], wouldHit: [])
    }

    private func gate(
        _ question: GateQuestion, isOpen: Bool, reasons: [Gate.Reason], openedBy: [Conflict],
        wouldHit: [Conflict]
    ) async throws -> Gate {
        let horizon = question.at.addingTimeInterval(Double(Limits.gateDays) * 86_400)
        let rows = try await query(
            """
            SELECT next_gate_change(
                \(question.environment.id), \(question.teamID), \(question.purpose.rawValue),
                \(question.at), \(question.knownAt), \(horizon), \(Limits.gateInstants))
            """)
        var columns = rows[rows.startIndex].columns
        return Gate(
            environment: question.environment.key, purpose: question.purpose, at: question.at,
            team: question.team, state: isOpen ? .open : .closed, reasons: reasons,
            openedBy: openedBy, wouldHit: wouldHit,
            next: try columns.next())
    }

    /// Bookings, and the occurrences of windows at that instant.
    private func holders(
        _ bookings: [Int64], windows: [Int64], _ question: GateQuestion
    ) async throws -> [Conflict] {
        guard !bookings.isEmpty || !windows.isEmpty else { return [] }
        let rows = try await query(
            """
            -- One that holds here and on parts is one reason.
            SELECT DISTINCT ON (s.window_id) s.window_id, s.environment_id, s.period FROM window_spans s
            JOIN environment_reach r ON r.part_id = s.environment_id
            WHERE s.window_id = ANY (\(windows)) AND r.environment_id = \(question.environment.id)
              AND s.period @> \(question.at)::timestamptz AND s.state = 'approved'
              AND s.valid_from <= \(question.knownAt) AND s.valid_until > \(question.knownAt)
            ORDER BY s.window_id, s.environment_id <> \(question.environment.id), s.environment_id
            """)
        let spans = try rows.map { try $0.decode(Int64.self, Int64.self, Range<Date>.self) }
        let instant = question.at..<question.at.addingTimeInterval(1)
        return try await conflicts(
            environments: spans.map(\.1) + bookings.map { _ in question.environment.id },
            bookings: spans.map { _ in nil } + bookings,
            windows: spans.map(\.0) + bookings.map { _ in nil },
            periods: spans.map(\.2) + bookings.map { _ in instant })
    }
}
