import BerthCore
import Foundation
import ICalendar
import Postgres

extension BerthDatabase {
    /// Throws `.conflict` with the occurrences that clash and what each meets, and with other times or equal
    /// environments at which the same rule is free from end to end. Returns when nothing stands in the way.
    func requireFree(_ refused: SeriesRefused, by caller: Caller, now: Date) async throws {
        var found: [FoundConflict] = []
        for proposal in refused.clashing where found.count < Limits.conflictsListed {
            var conflicts = try await client.conflicts(with: proposal, now: now)
            for index in conflicts.indices {
                conflicts[index].conflict.recurrenceID = proposal.draft.startsAt
            }
            found += conflicts
        }
        guard try await expireDue(found, now: now), !found.isEmpty else { return }
        var refusal = Refusal(
            conflicts: found.prefix(Limits.conflictsListed).map(\.conflict), alternatives: [])
        let all = refused.series.periods.count
        let taken = refused.clashing.count
        refusal.advice =
            taken < all
            ? "\(taken) of \(all) occurrences \(taken == 1 ? "is" : "are") taken: with onConflict skip "
                + "the other \(all - taken) \(all - taken == 1 ? "is" : "are") booked, with waitlist "
                + "\(taken == 1 ? "it waits" : "they wait") in line"
            : "all \(all) occurrences are taken: with onConflict waitlist they wait in line"
        refusal.alternatives = try await seriesAlternatives(
            to: refused.series, blocked: found.map(\.conflict.environment), by: caller, now: now)
        throw BerthError.conflict(refusal)
    }

    /// First occurrences at which the whole series is free: at another time of day or on another day, and on
    /// equal environments at the same times. Each is decided as a dry run would. Cost: a look at the claims of
    /// the series' span, and a dry run for each that is offered.
    private func seriesAlternatives(
        to series: Proposal, blocked: [String], by caller: Caller, now: Date
    ) async throws -> [Alternative] {
        let search = AlternativeSearch(proposal: series, caller: caller, now: now)
        let equal = try await search.equalEnvironments(from: client, blocked: Set(blocked))
        let other = try await search.otherTimes(of: series, from: client)
        var offers: [Alternative] = []
        for (found, most) in [
            (other, Limits.alternativeSlots), (equal, Limits.alternativeEnvironments),
        ] {
            let before = offers.count
            for alternative in found.prefix(2 * most) where offers.count < before + most {
                var draft = series.draft
                draft.options.onConflict = .refuse
                draft.environments = alternative.environments
                draft.startsAt = alternative.startsAt
                draft.endsAt = alternative.endsAt
                let asked = draft
                let isBookable = await wouldDo(by: caller, now: now) {
                    _ = try await $0.bookSeries(asked)
                }
                if isBookable { offers.append(alternative) }
            }
        }
        return offers
    }

    /// Throws `.conflict` with what stands in the way of a shift, which of the bookings it meets, and by how many
    /// days all could be moved. Returns when nothing stands in the way. Cost: a dry run for each number of days
    /// tried.
    func requireFree(
        _ refused: EditsRefused, of shift: BookingShift, by caller: Caller, now: Date
    ) async throws {
        do {
            try await requireFree(refused.proposals, by: caller, now: now)
        } catch BerthError.conflict(var refusal) {
            refusal.alternatives = []
            let tries = refused.proposals.count > 50 ? 7 : 14
            for days in (shift.days + 1)...(shift.days + tries) where days != 0 {
                var other = shift
                other.days = days
                let asked = other
                let isFree = await wouldDo(by: caller, now: now) { _ = try await $0.shift(asked) }
                guard isFree, let first = refused.proposals.first?.booking else { continue }
                var draft = BookingDraft(first)
                OccurrenceShift(days: days).apply(to: &draft, of: first)
                var alternative = Alternative(
                    environments: draft.environments, startsAt: draft.startsAt,
                    endsAt: draft.endsAt)
                alternative.days = days
                refusal.alternatives = [alternative]
                refusal.advice = "by \(days) days all \(refused.proposals.count) can be moved"
                break
            }
            throw BerthError.conflict(refusal)
        }
    }
}

extension AlternativeSearch {
    /// First occurrences of the same rule on the same environments at which every occurrence is free, the nearest
    /// first: every half hour of the same day, and the same time on the seven days after. None where the rule
    /// names single dates: they would stay where they are.
    func otherTimes(
        of series: Proposal, from source: some PostgresQuerying
    ) async throws -> [Alternative] {
        let draft = series.draft
        guard let recurrence = draft.options.recurrence, let zone = draft.timeZone,
            recurrence.exdates.isEmpty, recurrence.rdates.isEmpty,
            let first = series.periods.first, let last = series.periods.last
        else { return [] }
        let minutes = try await source.buffers(of: series.environments.map(\.id))
        let setup = Double(minutes.setup) * 60
        let teardown = Double(minutes.teardown) * 60
        let earliest = first.lowerBound.addingTimeInterval(-setup - 2 * 86_400)
        let (busy, known) = try await busyTimes(
            from: earliest,
            until: last.upperBound.addingTimeInterval(teardown + 9 * 86_400), source)
        // So many may share what began earlier that nothing later was read.
        guard earliest < known else { return [] }
        let free = FreeSlots.gaps(between: busy, in: earliest..<known)
        let length = draft.endsAt.timeIntervalSince(draft.startsAt)
        return Self.otherStarts(of: draft.startsAt, in: zone).compactMap { start in
            let candidate = start..<start.addingTimeInterval(length)
            guard start > now,
                let periods = try? SeriesPeriods(
                    recurrence, first: candidate, in: zone, atMost: Limits.occurrences
                ).periods,
                periods.count == series.periods.count, periods.first == candidate,
                Self.fit(periods, into: free, setup: setup, teardown: teardown),
                isAllowed(periods, on: series.environments)
            else { return nil }
            return Alternative(
                environments: draft.environments, startsAt: candidate.lowerBound,
                endsAt: candidate.upperBound)
        }
    }

    /// Other instants to begin at, on the clock of a zone, the nearest first.
    private static func otherStarts(of start: Date, in zone: String) -> [Date] {
        let rules = ZoneRules.named(zone)
        let local = rules.civilTime(at: start).seconds
        let day = Int((Double(local) / 86_400).rounded(.down))
        let sameDay = (-47...47).filter { $0 != 0 }.map { local + $0 * 1_800 }
            .filter { Int((Double($0) / 86_400).rounded(.down)) == day }
            .sorted { (abs($0 - local), $0) < (abs($1 - local), $1) }
        let nextDays = (1...7).map { local + $0 * 86_400 }
        return (sameDay + nextDays).map { rules.calendarInstant(of: CivilTime(seconds: $0)) }
    }

    /// Whether each period, buffers included, lies in one of the gaps; both ascend.
    private static func fit(
        _ periods: [Range<Date>], into gaps: [Range<Date>], setup: TimeInterval,
        teardown: TimeInterval
    ) -> Bool {
        var next = 0
        for period in periods {
            let end = period.upperBound.addingTimeInterval(teardown)
            while next < gaps.count, gaps[next].upperBound < end { next += 1 }
            guard next < gaps.count,
                gaps[next].lowerBound <= period.lowerBound.addingTimeInterval(-setup)
            else { return false }
        }
        return true
    }
}
