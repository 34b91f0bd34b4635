import BerthCore
import Foundation
import Postgres

/// Bookings that stand, and would break a rule if an environment became what was asked for.
struct StandingBookings: Error {
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

    /// Each booking, and the booking or the maintenance that it would meet.
    var clashes: [Clash] = []
    var peaks: [Peak] = []

    /// What the database listed in the detail of its refusal.
    init(_ error: PostgresError) {
        if error.constraintName == "no_overbooking" {
            let detail = Data((error.serverDetail ?? "[]").utf8)
            peaks = (try? JSONDecoder().decode([Peak].self, from: detail)) ?? []
        } else {
            clashes = Clash.listed(in: error)
        }
    }
}

extension BerthDatabase {
    /// Decides about an environment; throws `.conflict` with every booking that stands in the way, and
    /// `.illegalMove` with the instants at which a capacity would be exceeded.
    func explainingStandingBookings<Value: Sendable>(
        _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch let standing as StandingBookings {
            throw try await translatingErrors { try await refusal(of: standing) }
        } catch let clashes as WindowClashes {
            throw try await translatingErrors {
                try await client.refusal(of: clashes.clashes, both: false)
            }
        }
    }

    private func refusal(of standing: StandingBookings) async throws -> BerthError {
        guard standing.peaks.isEmpty else {
            let instants = standing.peaks.map { "\($0.used) at \($0.at)" }
            return .illegalMove(
                "more shared bookings stand than the capacity of \(standing.peaks[0].capacity): "
                    + instants.joined(separator: ", ") + "; move them first")
        }
        return try await client.refusal(of: standing.clashes, both: true)
    }
}
