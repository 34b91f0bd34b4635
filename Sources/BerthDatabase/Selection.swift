import BerthCore
import Foundation
import Postgres

/// A look for any environments that match and are free.
struct SelectionQuery {
    var selection: BookingOptions.Selection
    var mode: Booking.Mode
    var period: Range<Date>
    var now: Date
    /// Who asks, and for which team; nil: one in line.
    var caller: Caller?
    var team = ""
    /// The most that are looked at when not enough are free.
    private static let mostMatching = 500

    /// How far behind the period is looked, for a gap that ends soon.
    private static let lookAhead = 14.0 * 86_400

    /// What was chosen.
    struct Choice {
        var environments: [String]
        /// Whether all were free for the whole period when they were chosen.
        var areFree: Bool
    }

    /// The environments that disturb others least (docs/decisions/0012), as many as are wanted; when not so
    /// many are free, any of those that match, to be told of or waited for. Throws `.invalid` when fewer match.
    /// Cost: a search for free time.
    func choose(from source: some PostgresQuerying) async throws -> Choice {
        let question = SlotQuestion(
            labels: selection.labels, mode: mode, count: selection.count,
            length: period.upperBound.timeIntervalSince(period.lowerBound),
            from: period.lowerBound, to: period.upperBound.addingTimeInterval(Self.lookAhead),
            limit: 1)
        let slot = try await source.slots(question, now: min(now, period.lowerBound)).first
        if let slot, slot.startsAt == period.lowerBound {
            return Choice(environments: slot.environments, areFree: true)
        }
        return Choice(environments: try await matching(source), areFree: false)
    }

    private func matching(_ source: some PostgresQuerying) async throws -> [String] {
        let rows = try await source.query(
            """
            SELECT \(unescaped: TestEnvironment.columnList) FROM environments e
            WHERE matches_selector(e, \(PostgresJSON(selection.labels))) AND e.status <> 'retired'
            ORDER BY e.status, e.key LIMIT \(Self.mostMatching)
            """)
        guard rows.count >= selection.count else {
            throw BerthError.invalid(
                "/select", "matches \(rows.count) environments: \(selection.count) are wanted")
        }
        // Those whose rules let it in are told of or waited for first.
        let matching = try rows.map { try TestEnvironment($0) }
        let open = matching.filter { environment in
            caller.map { $0.mayBook([environment], for: team) } ?? true
                && BookingRules.violations(of: period, on: [environment], now: now).isEmpty
        }
        let closed = matching.filter { environment in
            !open.contains { $0.key == environment.key }
        }
        return (open + closed).prefix(selection.count).map(\.key)
    }
}

extension Decision {
    /// What is chosen for a draft that takes any environments that match; nil when it names them. Alone, nobody
    /// else chooses before this transaction has ended, so many who want any of the same do not all take the one.
    func choice(for draft: BookingDraft, alone: Bool) async throws -> SelectionQuery.Choice? {
        guard let selection = draft.options.selection else { return nil }
        if alone {
            try await transaction.query(
                "SELECT pg_advisory_xact_lock(hashtextextended('berth.selectors', 0))")
        }
        return try await SelectionQuery(
            selection: selection, mode: draft.mode, period: draft.startsAt..<draft.endsAt, now: now,
            caller: caller, team: draft.team
        ).choose(from: transaction)
    }
}
