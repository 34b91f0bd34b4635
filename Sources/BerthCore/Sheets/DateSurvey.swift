/// How the dates of a whole sheet are written that nobody could read: what to say once, in place of a guess for each
/// row.
public struct DateSurvey: Sendable {
    /// Dates that were not read.
    public private(set) var count = 0
    private var first: (text: String, line: Int)?
    /// The patterns as which all of them can be read; nil before the first.
    private var patterns: [String]?

    /// Looks at a date that was not read. Texts that are no dates say nothing.
    mutating func note(_ text: String, line: Int) {
        let possible = TimeTextError.patterns(for: text)
        guard !possible.isEmpty else { return }
        count += 1
        first = first ?? (text, line)
        patterns = patterns.map { $0.filter(possible.contains) } ?? possible
    }

    /// What to ask for, once for the whole sheet; nil when all dates were read.
    public var question: String? {
        guard let first, let possible = patterns else { return nil }
        let patterns = TimeTextError.narrowest(possible)
        let dates = "\(count.of("date")) \(count == 1 ? "is" : "are")"
        let example =
            "\(dates) not written as 2027-03-01 09:00, “\(first.text)” on line \(first.line) first: "
        switch patterns.count {
        case 0:
            return example + "they are not all written alike, so look into the rejects"
        case 1:
            return example + "import again with --date-format '\(patterns[0])', which reads "
                + (count == 1 ? "it" : "them all")
        default:
            return example + "import again with --date-format "
                + patterns.map { "'\($0)'" }.joined(separator: " or ")
                + ", whichever is meant"
        }
    }
}
