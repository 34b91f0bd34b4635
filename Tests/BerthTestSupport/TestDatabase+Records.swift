import BerthCore
import BerthDatabase
import Foundation

extension TestDatabase {
    /// Makes an environment as an admin.
    @discardableResult
    public func environment(
        _ key: String, _ adjust: (inout EnvironmentDraft) -> Void = { _ in }
    ) async throws -> TestEnvironment {
        var draft = EnvironmentDraft(key: key)
        adjust(&draft)
        let made = try await berth.createEnvironment(
            draft, by: Self.admin, now: Self.now, dryRun: false, idempotency: nil,
            keep: { _ in KeptAnswer(status: 201, location: nil, etag: nil, body: Data()) })
        guard case .done(let environment) = made else { throw NotMade() }
        return environment
    }

    /// What a booking asks for, in hours from ``now``.
    public static func draft(
        _ environments: String..., from: Double, to: Double, mode: Booking.Mode = .exclusive,
        team: String = "crm", title: String = "Regression 26.3"
    ) -> BookingDraft {
        BookingDraft(
            environments: environments, startsAt: now.addingTimeInterval(from * 3600),
            endsAt: now.addingTimeInterval(to * 3600), title: title, team: team, mode: mode)
    }

    /// Books as an admin.
    @discardableResult
    public func book(_ draft: BookingDraft, now: Date = Self.now) async throws -> Booking {
        try await berth.book(draft, by: Self.admin, now: now, dryRun: false, idempotency: nil)
    }

    /// Books and tells whether it was refused because of others.
    public func isRefused(_ draft: BookingDraft) async throws -> Bool {
        do {
            try await book(draft)
            return false
        } catch BerthError.conflict {
            return true
        }
    }

    /// How many bookings hold their environments although another one overlaps: recomputed from bookings
    /// and parts by a plain join, trusting neither claims nor constraints.
    public func doubleBookings() async throws -> Int {
        let rows = try await client.query(
            """
            WITH RECURSIVE uses (booking_id, environment_id, exclusive, starts_at, ends_at) AS (
                SELECT b.id, e.id, b.mode = 'exclusive',
                       b.starts_at - make_interval(mins => b.setup_minutes),
                       coalesce(b.released_at, b.ends_at) + make_interval(mins => b.teardown_minutes)
                FROM bookings b CROSS JOIN unnest(b.environment_ids) e (id)
                WHERE NOT b.record_only
                  AND (b.state IN ('requested', 'confirmed', 'active', 'completed')
                       OR b.released_at IS NOT NULL)
                UNION
                SELECT u.booking_id, p.id,
                       CASE p.usage WHEN 'same' THEN u.exclusive ELSE p.usage = 'exclusive' END,
                       u.starts_at, u.ends_at
                FROM uses u JOIN environments e ON e.id = u.environment_id
                CROSS JOIN unnest(e.part_ids, e.part_usages) p (id, usage))
            SELECT count(*)
            FROM uses one JOIN uses other
                ON other.environment_id = one.environment_id AND other.booking_id > one.booking_id
                AND one.starts_at < other.ends_at AND other.starts_at < one.ends_at
                AND (one.exclusive OR other.exclusive)
            """)
        return try rows[rows.startIndex].decode(Int.self)
    }

    private struct NotMade: Error {}
}
