import ICalendar

/// Why a text is not read as a time.
public enum TimeTextError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Not ISO, and no pattern was given.
    case unread(String)
    /// Neither ISO nor written as the pattern says.
    case otherwise(String, String)
    /// An offset outside -23:59 to +23:59.
    case offset(String)
    /// A month, day or hour that does not exist.
    case noSuchTime(String, CivilTime.Fault)
    /// Outside ``Limits/years``.
    case yearOutOfRange(String)

    /// The text, what is wrong with it, and what to write or pass instead.
    public var description: String {
        switch self {
        case .unread(let text):
            Self.unreadDescription(text)
        case .otherwise(let text, let pattern):
            "“\(text)” is written neither as \(pattern) nor as 2027-03-01 09:00"
        case .offset(let text):
            "“\(text)” has an offset beyond 23:59; write for example +01:00"
        case .noSuchTime(let text, let fault):
            "“\(text)”: \(fault)"
        case .yearOutOfRange(let text):
            "“\(text)” is outside the years \(Limits.years.lowerBound) to "
                + "\(Limits.years.upperBound)"
        }
    }

    private static func unreadDescription(_ text: String) -> String {
        let patterns = suggestions(for: text)
        switch patterns.count {
        case 0:
            return "“\(text)” is not a time; write 2027-03-01 09:00 or 2027-03-01T09:00:00+01:00"
        case 1:
            return "“\(text)” is not an ISO date; write 2027-03-01 09:00, or pass "
                + "--date-format '\(patterns[0])'"
        default:
            return "“\(text)” is ambiguous: day/month order is not known; pass --date-format "
                + patterns.map { "'\($0)'" }.joined(separator: " or ")
        }
    }

    /// The patterns as which a text like `3/4/27 2:30 PM` can be read, day first; none when it is
    /// not of that kind. Two digits are read by two forms of a pattern: the stricter stands for both.
    private static func suggestions(for text: String) -> [String] {
        narrowest(patterns(for: text))
    }

    /// The patterns without those that only allow more than another of them.
    static func narrowest(_ patterns: [String]) -> [String] {
        patterns.filter { pattern in
            !patterns.contains { $0 != pattern && widened($0) == pattern }
        }
    }

    private static func widened(_ pattern: String) -> String {
        ["dd", "MM", "HH", "hh"].reduce(pattern) {
            $0.replacing($1, with: $1.prefix(1))
        }
    }

    /// All patterns as which a text like `3/4/27 2:30 PM` can be read, day first.
    static func patterns(for text: String) -> [String] {
        let date = text.prefix { !$0.isWhitespace }
        guard let separator = date.first(where: { !$0.isNumber }), "/.-".contains(separator) else {
            return []
        }
        let numbers = date.split(separator: separator, omittingEmptySubsequences: false)
        guard numbers.count == 3, numbers.allSatisfy({ Int($0) != nil && $0.count <= 4 }) else {
            return []
        }
        let year = numbers[2].count == 4 ? "yyyy" : "yy"
        // Between dots nobody writes the month first.
        let orders =
            separator == "."
            ? [["dd", "MM", year]] : [["dd", "MM", year], ["MM", "dd", year]]
        let strict = orders.map {
            $0.joined(separator: String(separator)) + timePattern(text[date.endIndex...])
        }
        var patterns = strict
        for pattern in strict.map(widened) where !patterns.contains(pattern) {
            patterns.append(pattern)
        }
        return patterns.filter { pattern in
            (try? DatePattern(pattern)).map { (try? $0.read(text)) != nil } ?? false
        }
    }

    private static func timePattern(_ tail: Substring) -> String {
        let parts = tail.split(separator: " ")
        guard let clock = parts.first else { return "" }
        let fields = clock.split(separator: Character(":")).map(\.count)
        let isHalf = parts.count > 1
        return (isHalf ? " hh" : " HH") + (fields.count > 1 ? ":mm" : "")
            + (fields.count > 2 ? ":ss" : "")
            + (isHalf ? " a" : "")
    }
}
