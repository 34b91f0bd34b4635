import Foundation

/// Why a slot stands where it stands, in words for people.
struct SlotReasons {
    var rank: SlotRank
    var span: Range<Date>
    var length: TimeInterval
    /// The gap it lies in, buffers included; nil for several environments, each of which has its own.
    var gap: Range<Date>?
    /// What it takes of a gap, in seconds.
    var need: TimeInterval

    /// In the order in which they count.
    var texts: [String] {
        [start, status, sharing, room].compactMap(\.self)
    }

    private var start: String {
        rank.startsAt == span.lowerBound
            ? "free at once" : "first free at \(RFC3339.string(rank.startsAt))"
    }

    private var status: String? {
        switch (rank.degraded, rank.keys.count) {
        case (0, _): nil
        case (1, 1): "degraded"
        case (let some, let all): "\(some) of \(all) degraded"
        }
    }

    private var sharing: String {
        switch rank.places {
        case 0: "keeps nobody out of shared parts"
        case 1: "keeps 1 other out of shared parts"
        case let places: "keeps \(places) others out of shared parts"
        }
    }

    private var room: String {
        if let gap, gap.upperBound.timeIntervalSince(gap.lowerBound) == need,
            gap.upperBound < span.upperBound
        {
            return "fits a gap of \(Self.text(need)) exactly"
        }
        return rank.freeUntil.map { "free until \(RFC3339.string($0))" }
            ?? "nothing else before \(RFC3339.string(span.upperBound))"
    }

    /// `2 h 30 min`.
    private static func text(_ seconds: TimeInterval) -> String {
        let minutes = Int(seconds) / 60
        let parts = [(minutes / 60, "h"), (minutes % 60, "min"), (Int(seconds) % 60, "s")]
        return parts.filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }.joined(separator: " ")
    }
}
