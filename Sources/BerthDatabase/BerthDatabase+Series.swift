import BerthCore
import Foundation
import ICalendar
import Postgres

/// A series as it was booked: its first booking, and what stood in the way of those that were left out.
public struct BookedSeries: Sendable {
    /// The first occurrence that was booked.
    public var first: Booking
    /// One for each occurrence that was skipped, or waits in line.
    public var skipped: [Conflict]
}

extension BerthDatabase {
    /// Books every occurrence of a series in one transaction; what becomes of those that clash, the draft says:
    /// with `refuse` nothing is booked, with `skip` they are left out, with `waitlist` they wait in line.
    ///
    /// Throws as ``book(_:by:now:dryRun:idempotency:)``, and `.invalid` for a rule that is wrong, endless, too
    /// long, or does not begin at the draft's start.
    public func bookSeries(
        _ draft: BookingDraft, by caller: Caller, now: Date, dryRun: Bool,
        idempotency: IdempotencyKey?, keep: @Sendable (BookedSeries) throws -> KeptAnswer
    ) async throws -> Once<BookedSeries> {
        try await translatingErrors {
            var named = draft
            named.team = try await teams.name(draft.team, from: client)
            for _ in 0..<Self.mostRounds {
                do {
                    return try await once(
                        idempotency, now: now, dryRun: dryRun, keep: keep
                    ) { [named] transaction in
                        let decision = Decision(transaction: transaction, caller: caller, now: now)
                        return try await decision.bookSeries(named)
                    }
                } catch let refused as SeriesRefused {
                    try await requireFree(refused, by: caller, now: now)
                }
            }
            throw BerthError.unavailable(retryAfterSeconds: 1)
        }
    }
}

/// A series of which others hold some; it is rolled back, and the reasons are looked up.
struct SeriesRefused: Error {
    /// The series, as one proposal.
    var series: Proposal
    /// The occurrences that clash.
    var clashing: [Proposal]
}

extension Decision {
    /// Books every occurrence of a series. Throws ``SeriesRefused``.
    func bookSeries(_ draft: BookingDraft) async throws -> BookedSeries {
        let ids = try await environments(draft.environments).map(\.id)
        let locked = try await lock(environments: ids)
        let environments = try await environments(draft.environments)
        var draft = draft
        let timeZone = draft.timeZone ?? environments[0].timeZone
        draft.timeZone = timeZone
        guard let recurrence = draft.options.recurrence else {
            throw BerthError.invalid("/recurrence", "is required")
        }
        let periods = try SeriesPeriods(
            recurrence, first: draft.startsAt..<draft.endsAt, in: timeZone,
            atMost: Limits.occurrences
        ).periods
        let buffers = try await transaction.buffers(of: ids)
        try SeriesPeriods.requireApart(periods, minutes: buffers.setup + buffers.teardown)
        let drafts = periods.map { period in
            var occurrence = draft
            occurrence.startsAt = period.lowerBound
            occurrence.endsAt = period.upperBound
            return occurrence
        }
        for occurrence in drafts {
            try BerthDatabase.check(occurrence, on: environments, by: caller, now: now)
        }
        let teamID = try await transaction.teamID(
            draft.team, pointer: "/team", by: caller, now: now)
        let series = try await insertSeries(draft, timeZone: timeZone)
        let requests = drafts.map { occurrence in
            BookingRequest(
                occurrence, on: environments, teamID: teamID, by: caller.name, now: now,
                occurrence: BookingLife.Occurrence(
                    series: series, recurrenceID: occurrence.startsAt,
                    recurrence: recurrence))
        }
        let proposal = Proposal(draft: draft, environments: environments, occurrences: periods)
        return try await place(requests, of: proposal, locked: locked)
    }

    private func place(
        _ requests: [BookingRequest], of series: Proposal, locked: [Int64]
    ) async throws -> BookedSeries {
        let onConflict = series.draft.options.onConflict
        let batch = BookingBatch(requests: requests)
        let outcomes = try batch.outcomes(await transaction.query(batch.query))
        var booked: [Int64] = []
        var clashing: [BookingRequest] = []
        for (request, outcome) in zip(requests, outcomes) {
            if case .booked(let booking) = outcome {
                booked.append(booking.reference.id)
            } else {
                clashing.append(request)
            }
        }
        let proposals = clashing.map { Proposal(draft: $0.draft, environments: $0.environments) }
        guard clashing.isEmpty || onConflict != .refuse,
            !booked.isEmpty || onConflict == .waitlist
        else { throw SeriesRefused(series: series, clashing: proposals) }
        var skipped: [Conflict] = []
        for proposal in proposals {
            if var found = try await transaction.conflicts(with: proposal, now: now).first {
                found.conflict.recurrenceID = proposal.draft.startsAt
                skipped.append(found.conflict)
            }
        }
        var made = booked
        if onConflict == .waitlist {
            for request in clashing { made.append(try await queue(request)) }
        }
        try await serveLine(locked: locked, checkingQuotasOf: booked)
        let bookings = try await bookings(made)
        guard let first = bookings.min(by: { $0.startsAt < $1.startsAt }) else {
            throw SeriesRefused(series: series, clashing: proposals)
        }
        return BookedSeries(first: first, skipped: skipped)
    }

    private func insertSeries(
        _ draft: BookingDraft, timeZone: String
    ) async throws -> SeriesReference {
        let rows = try await transaction.query(
            """
            INSERT INTO series (rrule, exdates, rdates, starts_at, ends_at, time_zone, created_at, created_by)
            VALUES (\(draft.options.recurrence?.rrule), \(draft.options.recurrence?.exdates),
                \(draft.options.recurrence?.rdates), \(draft.startsAt), \(draft.endsAt), \(timeZone),
                \(now), \(caller.name))
            RETURNING id
            """)
        return SeriesReference(id: try rows[rows.startIndex].decode(Int64.self))
    }
}
