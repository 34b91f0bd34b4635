extension String {
    /// The one of some names that this was probably meant to be: at most two letters, and at most a third of them, are
    /// other, missing, too many or exchanged with their neighbour, whatever their case. Nil when there is none. Cost: length
    /// by length for each name.
    public func nearest(among names: some Sequence<String>) -> String? {
        let wanted = Array(lowercased().prefix(Self.longestCompared))
        let most = Swift.min(2, wanted.count / 3)
        var best: (name: String, distance: Int)?
        for name in names {
            let letters = Array(name.lowercased().prefix(Self.longestCompared))
            guard abs(letters.count - wanted.count) <= most else { continue }
            let distance = Self.distance(wanted, letters)
            if distance <= most, distance < best?.distance ?? .max { best = (name, distance) }
        }
        return best?.name
    }

    private static let longestCompared = 64

    /// Damerau's and Levenshtein's distance, neighbours exchanged once.
    private static func distance(_ one: [Character], _ other: [Character]) -> Int {
        var before: [Int] = []
        var last = Array(0...other.count)
        for (row, letter) in one.enumerated() {
            var next = [row + 1]
            for (column, against) in other.enumerated() {
                var cost = Swift.min(
                    last[column] + (letter == against ? 0 : 1), last[column + 1] + 1,
                    next[column] + 1)
                if row > 0, column > 0, letter == other[column - 1], one[row - 1] == against {
                    cost = Swift.min(cost, before[column - 1] + 1)
                }
                next.append(cost)
            }
            before = last
            last = next
        }
        return last[other.count]
    }
}
