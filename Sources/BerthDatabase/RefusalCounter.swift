import BerthCore
import Foundation
import Synchronization

/// Counts bookings refused, by day, environment, team and minutes asked, off the way of bookings: in memory,
/// and added to the table now and then. What a server had not yet added when it was killed is lost.
public final class RefusalCounter: Sendable {
    /// The most kinds of refusal kept between two flushes; beyond, further kinds are not counted.
    private static let mostKinds = 10_000

    struct Kind: Hashable {
        var day: String
        var environment: String
        var team: String
    }

    struct Count {
        var refused = 0
        var minutes = 0
    }

    private let counts = Mutex<[Kind: Count]>([:])

    /// Nothing refused so far.
    public init() {}

    /// Counts one refused request, on each of these environments.
    public func count(_ draft: BookingDraft, on environments: Set<String>, at now: Date) {
        let day = String(RFC3339.string(now).prefix(10))
        let minutes = Int(draft.endsAt.timeIntervalSince(draft.startsAt) / 60)
        counts.withLock { counts in
            for environment in environments {
                let kind = Kind(day: day, environment: environment, team: draft.team)
                guard counts[kind] != nil || counts.count < Self.mostKinds else { continue }
                counts[kind, default: Count()].refused += 1
                counts[kind, default: Count()].minutes += minutes
            }
        }
    }

    /// Takes what was counted since it was last taken.
    func take() -> [Kind: Count] {
        counts.withLock { counts in
            defer { counts = [:] }
            return counts
        }
    }

    /// Puts back what could not be written.
    func putBack(_ taken: [Kind: Count]) {
        counts.withLock { counts in
            for (kind, count) in taken {
                counts[kind, default: Count()].refused += count.refused
                counts[kind, default: Count()].minutes += count.minutes
            }
        }
    }
}

extension BerthDatabase {
    /// Adds what was counted to the table that reports read. What names no environment or team is left out.
    public func flushRefusals() async throws {
        let taken = refusals.take()
        guard !taken.isEmpty else { return }
        let kinds = Array(taken)
        do {
            try await client.query(
                """
                INSERT INTO refusals (day, environment_id, team_id, refused, minutes)
                SELECT n.day::date, e.id, t.id, sum(n.refused), sum(n.minutes)
                FROM unnest(\(kinds.map(\.key.day)), \(kinds.map(\.key.environment)),
                            \(kinds.map(\.key.team)), \(kinds.map(\.value.refused)),
                            \(kinds.map(\.value.minutes))) n (day, environment, team, refused, minutes)
                JOIN environments e ON e.key = n.environment
                JOIN teams t ON t.id = team_id(n.team)
                GROUP BY n.day::date, e.id, t.id
                ON CONFLICT (day, environment_id, team_id) DO UPDATE
                SET refused = refusals.refused + excluded.refused,
                    minutes = refusals.minutes + excluded.minutes
                """)
        } catch {
            refusals.putBack(taken)
            throw error
        }
    }
}
