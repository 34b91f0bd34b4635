import BerthCore
import Foundation
import Postgres

/// A look for any environments that match and are free.
struct SelectionQuery {
    /// The most that are looked at; beyond, a selector should say more.
    private static let mostLookedAt = 200

    var selection: BookingOptions.Selection
    var mode: Booking.Mode
    var period: Range<Date>
    var now: Date

    /// The environments that disturb others least (docs/decisions/0012), as many as are wanted, free ones
    /// first; those that are not free only to be told of, or waited for. Throws `.invalid` when fewer match.
    func choose(from source: some PostgresQuerying) async throws -> [TestEnvironment] {
        let free = try await candidates(from: source, areFree: true).filter {
            BookingRules.violations(of: period, on: [$0], now: now).isEmpty
        }
        var chosen = Array(free.prefix(selection.count))
        if chosen.count < selection.count {
            let known = Set(chosen.map(\.key))
            let others = try await candidates(from: source, areFree: false)
            chosen += others.filter { !known.contains($0.key) }
                .prefix(selection.count - chosen.count)
        }
        guard chosen.count == selection.count else {
            throw BerthError.invalid(
                "/select", "matches \(chosen.count) environments: \(selection.count) are wanted")
        }
        return chosen
    }

    private func candidates(
        from source: some PostgresQuerying, areFree: Bool
    ) async throws -> [TestEnvironment] {
        let rows = try await source.query(
            """
            SELECT \(unescaped: TestEnvironment.columnList)
            FROM environments e
            WHERE matches_selector(e, \(PostgresJSON(selection.labels))) AND e.status <> 'retired'
              AND (NOT \(areFree) OR NOT EXISTS (
                SELECT FROM blockers(
                    ARRAY[e.id], \(mode), \(period.lowerBound) - make_interval(mins => e.setup_minutes),
                    \(period.upperBound) + make_interval(mins => e.teardown_minutes), '{}', 1)))
            ORDER BY e.status = 'degraded',
                     (SELECT count(DISTINCT up.environment_id)
                      FROM environment_reach down JOIN environment_reach up ON up.part_id = down.part_id
                      WHERE down.environment_id = e.id),
                     e.key
            LIMIT \(Self.mostLookedAt)
            """)
        return try rows.map(TestEnvironment.init)
    }
}

extension BerthDatabase {
    /// The draft with environments chosen for it, where it selects any that match.
    func withSelection(_ draft: BookingDraft, now: Date) async throws -> BookingDraft {
        guard let selection = draft.options.selection else { return draft }
        let query = SelectionQuery(
            selection: selection, mode: draft.mode, period: draft.startsAt..<draft.endsAt, now: now)
        var chosen = draft
        chosen.environments = try await query.choose(from: client).map(\.key)
        return chosen
    }
}
