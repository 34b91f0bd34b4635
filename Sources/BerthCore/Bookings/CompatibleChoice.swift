/// Chooses environments that do not exclude each other: the first such choice in the order given.
struct CompatibleChoice {
    private let parts: [[Int64: Bool]]
    private let count: Int
    /// Steps that it may still take: with many that exclude many, trying all would never end.
    private var stepsLeft = 20_000

    /// Of what each reaches: whether it uses it exclusively.
    init(_ parts: [[Int64: Bool]], count: Int) {
        self.parts = parts
        self.count = count
    }

    /// The places of the chosen ones; nil when there is no such choice, or none was found in 20,000 steps.
    mutating func first() -> [Int]? {
        extend([], using: [:], from: 0)
    }

    private mutating func extend(
        _ chosen: [Int], using used: [Int64: Bool], from next: Int
    ) -> [Int]? {
        if chosen.count == count { return chosen }
        for index in next..<max(next, parts.count) {
            guard parts.count - index >= count - chosen.count, stepsLeft > 0 else { return nil }
            stepsLeft -= 1
            let meets = parts[index].contains { part, alone in
                used[part].map { $0 || alone } ?? false
            }
            guard !meets else { continue }
            let both = used.merging(parts[index]) { $0 || $1 }
            if let found = extend(chosen + [index], using: both, from: index + 1) { return found }
        }
        return nil
    }
}
