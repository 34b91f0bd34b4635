import BerthCore
import Foundation
import Postgres

extension BerthDatabase {
    /// How often a decision is taken again because what it stood on changed meanwhile.
    static let mostRounds = 4

    /// Books, or says why not and what is free instead. All environments or none. With `waitlist`, what is
    /// taken is waited for.
    ///
    /// Throws `.invalid` for what names nothing, `.forbidden`, `.policy`, `.conflict`,
    /// `.idempotencyKeyReused`, `.unavailable`, `.outcomeUnknown`. With a key that was used for the same
    /// request: the booking as it was answered then. A series is ``bookSeries(_:by:now:dryRun:idempotency:keep:)``'s.
    public func book(
        _ draft: BookingDraft, by caller: Caller, now: Date, dryRun: Bool,
        idempotency: IdempotencyKey?
    ) async throws -> Booking {
        try await translatingErrors {
            var draft = draft
            draft.team = try await teams.name(draft.team, from: client)
            guard draft.options.isPlain else {
                return try await bookAlone(
                    draft, by: caller, now: now, dryRun: dryRun, idempotency: idempotency)
            }
            var environments = try await environments.environments(draft.environments, from: client)
            do {
                try Self.check(draft, on: environments, by: caller, now: now)
            } catch is BerthError {
                // What is remembered may only be too old to accept: another server may have changed it.
                environments = try await self.environments.reread(draft.environments, from: client)
            }
            let teamID = try await teamID(draft.team, by: caller, now: now)
            for _ in 0..<Self.mostRounds {
                try Self.check(draft, on: environments, by: caller, now: now)
                if environments.contains(where: \.policy.looksAtOthers) {
                    return try await bookAlone(
                        draft, by: caller, now: now, dryRun: dryRun, idempotency: idempotency)
                }
                let request = BookingRequest(
                    draft, on: environments, teamID: teamID, by: caller.name, now: now,
                    idempotency: dryRun ? nil : idempotency)
                switch try await decide(request, dryRun: dryRun) {
                case .booked(let booking): return booking
                case .replay(let id, let version):
                    return try await booking(id: id, version: version)
                case .busy: throw BerthError.unavailable(retryAfterSeconds: 1)
                case .keyReused: throw BerthError.idempotencyKeyReused
                case .stale:
                    environments = try await self.environments.reread(
                        draft.environments, from: client)
                case .refused:
                    let proposal = Proposal(draft: draft, environments: environments)
                    try await requireFree([proposal], by: caller, now: now)
                }
            }
            // Its environments change faster than they can be read beforehand: read under their locks.
            return try await bookAlone(
                draft, by: caller, now: now, dryRun: dryRun, idempotency: idempotency)
        }
    }

    /// A dry run takes the same decision in a transaction of its own, which is rolled back.
    private func decide(_ request: BookingRequest, dryRun: Bool) async throws -> BookingOutcome {
        guard dryRun else { return try await scheduler.decide(request) }
        return try await decide(dryRun: true) { transaction in
            let batch = BookingBatch(requests: [request])
            do {
                return try batch.outcomes(await transaction.query(batch.query))[0]
            } catch let error as PostgresError where error.isLockTimeout {
                throw EnvironmentsLocked(environments: Set(request.environments.map(\.id)))
            }
        }
    }

    func teamID(_ name: String, by caller: Caller, now: Date) async throws -> Int64 {
        if let id = try await teams.id(name, from: client) { return id }
        return try await client.transaction { transaction in
            try await transaction.teamID(name, pointer: "/team", by: caller, now: now)
        }
    }

    /// What can be said without looking at other bookings.
    static func check(
        _ draft: BookingDraft, on environments: [TestEnvironment], by caller: Caller, now: Date
    ) throws {
        guard caller.mayBook(environments, for: draft.team) else {
            throw BerthError.forbidden(
                caller.role < .booker
                    ? "a viewer does not book"
                    : "\(caller.name) books for \(caller.team ?? "no team"), not for \(draft.team)")
        }
        let late = now.addingTimeInterval(-Double(Limits.lateStartSeconds))
        let managesAll = environments.allSatisfy(caller.manages)
        if draft.startsAt < late, !managesAll {
            throw BerthError.invalid(
                "/startsAt", "is more than 5 minutes past: start now by leaving it out")
        }
        if draft.priority > .normal, !managesAll {
            throw BerthError.forbidden(
                "priority above normal is given by who manages the environments")
        }
        let violations = BookingRules.violations(
            of: draft.startsAt..<draft.endsAt, on: environments, now: now)
        guard violations.isEmpty else { throw BerthError.policy(violations) }
    }
}

extension Policy {
    /// Whether a booking is decided by more than who holds the time: then in a transaction of its own.
    fileprivate var looksAtOthers: Bool {
        teamHoursPerWeek != nil || teamBookingsAtOnce != nil || displaceable == true
    }
}
