import BerthCore
import Foundation
import Postgres

/// How things stand at an instant, for whoever watches Berth; without names of people.
public struct Gauges: Sendable {
    /// How the environments of a tier are.
    public struct Tier: Sendable {
        /// The tier.
        public var name: String
        /// Those that somebody uses, or keeps for maintenance.
        public var used: Int
        /// Those that anybody may use.
        public var free: Int
        /// Those that are out of order.
        public var unavailable: Int
    }

    /// Changes that happened within the last day, by how they were judged when recorded.
    public var changes: [(control: Change.Control, count: Int)]
    /// Bookings in line.
    public var waiting: Int
    /// How long the first of them has waited.
    public var longestWaitSeconds: Int
    /// Each tier that has an environment which is not retired.
    public var tiers: [Tier]
}

extension BerthDatabase {
    /// How things stand. Cost: the changes of a day, those in line, and the claims of one instant, each by an index; at most
    /// a second.
    public func gauges(now: Date) async throws -> Gauges {
        let changes = try await client.query(
            """
            SELECT c.control, count(*) FROM change_log c
            WHERE c.entry = 'change' AND c.occurred_at > \(now) - interval '1 day' AND c.occurred_at <= \(now)
            GROUP BY c.control ORDER BY c.control
            """, deadline: .seconds(1))
        let line = try await client.query(
            """
            SELECT count(*), coalesce(extract(epoch FROM \(now) - min(b.created_at)), 0)::bigint
            FROM bookings b WHERE b.state IN ('waitlisted', 'displaced')
            """, deadline: .seconds(1))
        let tiers = try await client.query(
            """
            SELECT e.tier, count(*) FILTER (WHERE is_open AND is_held), count(*) FILTER (WHERE is_open AND NOT is_held),
                   count(*) FILTER (WHERE NOT is_open)
            FROM environments e
            CROSS JOIN LATERAL (SELECT coalesce(is_usable(e.status, e.status_until, \(now)), false) AS is_open,
                EXISTS (SELECT FROM claims c WHERE c.environment_id = e.id AND c.lane = 'use'
                        AND c.period @> \(now)) AS is_held) n
            WHERE e.status <> 'retired' GROUP BY e.tier ORDER BY e.tier
            """, deadline: .seconds(1))
        let (waiting, longest) = try line[line.startIndex].decode(Int.self, Int.self)
        return Gauges(
            changes: try changes.map { try $0.decode(Change.Control.self, Int.self) },
            waiting: waiting, longestWaitSeconds: longest,
            tiers: try tiers.map {
                let (name, used, free, out) = try $0.decode(
                    String.self, Int.self, Int.self, Int.self)
                return Gauges.Tier(name: name, used: used, free: free, unavailable: out)
            })
    }
}
