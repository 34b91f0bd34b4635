import Foundation

/// Looks for free time between what is taken. Pure.
public enum FreeSlots {
    /// The gaps in a span, in order.
    public static func gaps(between busy: [Range<Date>], in span: Range<Date>) -> [Range<Date>] {
        var gaps: [Range<Date>] = []
        var free = span.lowerBound
        for taken in busy.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if taken.lowerBound > free, free < span.upperBound {
                gaps.append(free..<min(taken.lowerBound, span.upperBound))
            }
            free = max(free, taken.upperBound)
        }
        if free < span.upperBound { gaps.append(free..<span.upperBound) }
        return gaps
    }

    /// The first slots of a length that fit with their buffers, one after the other, and that are allowed.
    /// Where a gap's start is not allowed, the following half hours are tried. Cost: at most `tries` calls
    /// of `allowed`.
    public static func first(
        _ count: Int, ofSeconds length: TimeInterval, setup: TimeInterval, teardown: TimeInterval,
        between busy: [Range<Date>], in span: Range<Date>, tries: Int = 2_000,
        where allowed: (Range<Date>) -> Bool
    ) -> [Range<Date>] {
        var slots: [Range<Date>] = []
        var triesLeft = tries
        // A slot may begin at the span's start: its setup then reaches before it.
        let claims = span.lowerBound.addingTimeInterval(-setup)..<span.upperBound
        for gap in gaps(between: busy, in: claims) {
            var start = gap.lowerBound.addingTimeInterval(setup)
            while slots.count < count, triesLeft > 0,
                start.addingTimeInterval(length + teardown) <= gap.upperBound
            {
                let slot = start..<start.addingTimeInterval(length)
                triesLeft -= 1
                if allowed(slot) {
                    slots.append(slot)
                    start = slot.upperBound.addingTimeInterval(setup + teardown)
                } else {
                    start = nextHalfHour(after: start)
                }
            }
        }
        return slots
    }

    private static func nextHalfHour(after instant: Date) -> Date {
        let halfHours = (instant.timeIntervalSince1970 / 1800).rounded(.down) + 1
        return Date(timeIntervalSince1970: halfHours * 1800)
    }
}
