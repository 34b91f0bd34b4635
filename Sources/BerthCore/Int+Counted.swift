extension Int {
    /// So many of a thing, in words: `1 booking`, `2 bookings`.
    public func of(_ thing: String) -> String {
        self == 1 ? "1 \(thing)" : "\(self) \(thing)s"
    }
}
