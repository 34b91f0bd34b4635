import Foundation

/// Finds the best slots of some candidates. Pure.
public struct SlotSearch: Sendable {
    private let candidates: [SlotCandidate]
    private let count: Int
    private let length: TimeInterval
    private let span: Range<Date>
    private let levels: [Level]

    /// All that candidates with buffers up to some size can do together: a booking has the largest
    /// buffers of its environments, so these decide who is free.
    private struct Level {
        var setup: TimeInterval
        var teardown: TimeInterval
        /// By candidate, in order.
        var openings: [[SlotOpening]]
    }

    private struct Group {
        var rank: SlotRank
        var members: [SlotOpening]
    }

    /// A search for slots of `length` seconds inside a span, on `count` candidates at once.
    /// Cost: the gaps of all candidates, for each different pair of buffers when `count` is not 1.
    public init(
        _ candidates: [SlotCandidate], count: Int, length: TimeInterval, in span: Range<Date>
    ) {
        self.candidates = candidates
        self.count = count
        self.length = length
        self.span = span
        func openings(_ setup: TimeInterval?, _ teardown: TimeInterval?) -> [[SlotOpening]] {
            candidates.indices.map { index in
                SlotOpening.all(
                    of: candidates[index], at: index, setup: setup, teardown: teardown,
                    length: length, in: span)
            }
        }
        if count == 1 {
            levels = [Level(setup: 0, teardown: 0, openings: openings(nil, nil))]
        } else {
            levels = Set(candidates.map(\.setup)).sorted().flatMap { setup in
                Set(candidates.map(\.teardown)).sorted().map { teardown in
                    Level(
                        setup: setup, teardown: teardown, openings: openings(setup, teardown))
                }
            }
        }
    }

    /// The best slots, in order. A candidate comes a second time only when all that can be was offered
    /// once. Cost: for each slot, the gaps of all candidates.
    public func slots(_ limit: Int) -> [Slot] {
        var groups: [Group] = []
        var notBefore = [Date](repeating: span.lowerBound, count: candidates.count)
        var used = Set<Int>()
        while groups.count < limit {
            let found = levels.compactMap { earliest($0, notBefore, except: used) }
                .min { $0.rank < $1.rank }
            guard let found else {
                if used.isEmpty { break }
                used = []
                continue
            }
            groups.append(found)
            let setup = found.members.map { candidates[$0.candidate].setup }.max() ?? 0
            let teardown = found.members.map { candidates[$0.candidate].teardown }.max() ?? 0
            for member in found.members {
                used.insert(member.candidate)
                notBefore[member.candidate] = found.rank.startsAt
                    .addingTimeInterval(length + setup + teardown)
            }
        }
        return groups.sorted { $0.rank < $1.rank }.map(slot)
    }

    /// The best group of those that start first.
    private func earliest(_ level: Level, _ notBefore: [Date], except used: Set<Int>) -> Group? {
        var ahead: [SlotOpening] = []
        for index in candidates.indices where !used.contains(index) {
            for opening in level.openings[index] {
                guard let later = opening.from(notBefore[index]) else { continue }
                ahead.append(later)
                // Alone, only its first start counts.
                if count == 1 { break }
            }
        }
        ahead.sort { $0.starts.lowerBound < $1.starts.lowerBound }
        var open: [SlotOpening] = []
        var next = 0
        while next < ahead.count {
            let start = ahead[next].starts.lowerBound
            open.removeAll { $0.starts.upperBound < start }
            while next < ahead.count, ahead[next].starts.lowerBound == start {
                open.append(ahead[next])
                next += 1
            }
            if open.count >= count { return group(of: open, at: start) }
        }
        return nil
    }

    /// The best of those that can start at an instant.
    private func group(of open: [SlotOpening], at start: Date) -> Group {
        let ranked = open.map { Group(rank: rank([$0], start), members: [$0]) }
        if count == 1, let best = ranked.min(by: { $0.rank < $1.rank }) { return best }
        let members = ranked.sorted { $0.rank < $1.rank }.prefix(count).flatMap(\.members)
        return Group(rank: rank(members, start), members: members)
    }

    private func rank(_ members: [SlotOpening], _ start: Date) -> SlotRank {
        SlotRank(
            startsAt: start,
            degraded: members.count { candidates[$0.candidate].isDegraded },
            places: members.reduce(0) { $0 + candidates[$1.candidate].places },
            freeUntil: members.compactMap { $0.freeUntil(in: span) }.min(),
            keys: members.map { candidates[$0.candidate].key })
    }

    private func slot(_ group: Group) -> Slot {
        let start = group.rank.startsAt
        let members = group.members.map { candidates[$0.candidate] }
        let reasons = SlotReasons(
            rank: group.rank, span: span, length: length,
            gap: group.members.count == 1 ? group.members[0].gap : nil,
            need: length + (members.map(\.setup).max() ?? 0)
                + (members.map(\.teardown).max() ?? 0))
        return Slot(
            environments: group.rank.keys, startsAt: start,
            endsAt: start.addingTimeInterval(length), reasons: reasons.texts)
    }
}

/// A gap of a candidate, and when a slot may start in it.
struct SlotOpening: Sendable {
    var candidate: Int
    var starts: ClosedRange<Date>
    /// Buffers included.
    var gap: Range<Date>

    /// Those of a candidate, in order; with buffers of a group it is to join, none when its own are larger.
    static func all(
        of candidate: SlotCandidate, at index: Int, setup: TimeInterval?, teardown: TimeInterval?,
        length: TimeInterval, in span: Range<Date>
    ) -> [SlotOpening] {
        let setup = setup ?? candidate.setup
        let teardown = teardown ?? candidate.teardown
        guard candidate.setup <= setup, candidate.teardown <= teardown else { return [] }
        let reach =
            span.lowerBound.addingTimeInterval(
                -setup)..<span.upperBound.addingTimeInterval(teardown)
        var openings: [SlotOpening] = []
        for gap in FreeSlots.gaps(between: candidate.busy, in: reach) {
            let first = gap.lowerBound.addingTimeInterval(setup).roundedUpToSecond
            let last = gap.upperBound.addingTimeInterval(-teardown - length)
            for allowed in candidate.starts where allowed.upperBound >= first {
                guard allowed.lowerBound <= last else { break }
                let begin = max(first, allowed.lowerBound)
                let end = min(last, allowed.upperBound)
                guard begin <= end else { continue }
                openings.append(SlotOpening(candidate: index, starts: begin...end, gap: gap))
            }
        }
        return openings
    }

    /// What is left of it from an instant on.
    func from(_ instant: Date) -> SlotOpening? {
        guard instant <= starts.upperBound else { return nil }
        var later = self
        later.starts = max(instant, starts.lowerBound)...starts.upperBound
        return later
    }

    /// When its gap ends, if in the span.
    func freeUntil(in span: Range<Date>) -> Date? {
        gap.upperBound < span.upperBound ? gap.upperBound : nil
    }
}
