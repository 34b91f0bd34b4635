import BerthCore
import Foundation
import Postgres

/// Bookings that stand, and would break a rule if an environment became what was asked for.
struct StandingBookings: Error {
    /// Two bookings, and where they would meet.
    struct Clash: Decodable {
        var environment: Int64
        var one: Int64
        var other: Int64

        init(from decoder: any Decoder) throws {
            var values = try decoder.unkeyedContainer()
            environment = try values.decode(Int64.self)
            one = try values.decode(Int64.self)
            other = try values.decode(Int64.self)
        }
    }

    /// More shared use than a capacity, and when.
    struct Peak: Decodable {
        var environment: Int64
        var at: String
        var used: Int
        var capacity: Int

        init(from decoder: any Decoder) throws {
            var values = try decoder.unkeyedContainer()
            environment = try values.decode(Int64.self)
            at = try values.decode(String.self)
            used = try values.decode(Int.self)
            capacity = try values.decode(Int.self)
        }
    }

    var clashes: [Clash] = []
    var peaks: [Peak] = []

    /// What the database listed in the detail of its refusal.
    init(_ error: PostgresError) {
        let detail = Data((error.serverDetail ?? "[]").utf8)
        if error.constraintName == "no_overbooking" {
            peaks = (try? JSONDecoder().decode([Peak].self, from: detail)) ?? []
        } else {
            clashes = (try? JSONDecoder().decode([Clash].self, from: detail)) ?? []
        }
    }
}

extension BerthDatabase {
    /// Decides about an environment; throws `.conflict` with every booking that stands in the way, and
    /// `.illegalMove` with the instants at which a capacity would be exceeded.
    func explainingStandingBookings<Value: Sendable>(
        now: Date, dryRun: Bool,
        _ body: @Sendable (PostgresTransaction) async throws -> Value
    ) async throws -> Value {
        do {
            return try await decide(dryRun: dryRun, body)
        } catch let standing as StandingBookings {
            throw try await translatingErrors { try await refusal(of: standing) }
        }
    }

    private func refusal(of standing: StandingBookings) async throws -> BerthError {
        guard standing.peaks.isEmpty else {
            let instants = standing.peaks.map { "\($0.used) at \($0.at)" }
            return .illegalMove(
                "more shared bookings stand than the capacity of \(standing.peaks[0].capacity): "
                    + instants.joined(separator: ", ") + "; move them first")
        }
        var conflicts: [Conflict] = []
        for clash in standing.clashes {
            conflicts += try await self.conflicts(
                of: [clash.one, clash.other], on: clash.environment
            ).filter { !conflicts.contains($0) }
        }
        return .conflict(Refusal(conflicts: conflicts, alternatives: []))
    }

    private func conflicts(of bookings: [Int64], on environment: Int64) async throws -> [Conflict] {
        let rows = try await client.query(
            """
            SELECT e.key, '{}'::text[], b.id, b.title,
                   (SELECT t.name FROM teams t WHERE t.id = b.team_id), b.requested_by, b.contact,
                   b.starts_at, coalesce(b.released_at, b.ends_at),
                   tstzrange(b.starts_at - make_interval(mins => b.setup_minutes),
                             coalesce(b.released_at, b.ends_at)
                                 + make_interval(mins => b.teardown_minutes), '[)'),
                   b.mode, false
            FROM bookings b JOIN environments e ON e.id = \(environment)
            WHERE b.id = ANY (\(bookings))
            ORDER BY b.id
            """)
        return try rows.map { try FoundConflict($0).conflict }
    }
}
