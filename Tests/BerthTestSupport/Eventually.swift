/// What went wrong in a test's own doings.
public struct Failure: Error, CustomStringConvertible {
    /// What it was.
    public let description: String

    /// A failure.
    public init(_ description: String) {
        self.description = description
    }
}

/// Waits for an event by looking again and again, and leaves the machine to others in between.
public func eventually(
    _ event: String, within limit: Duration = .seconds(20),
    _ hasHappened: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !hasHappened() {
        guard .now < deadline else { throw Failure("\(event): not within \(limit)") }
        try await Task.sleep(for: .milliseconds(20))
    }
}
