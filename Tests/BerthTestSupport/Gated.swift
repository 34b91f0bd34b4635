import Foundation
import Testing

/// Lets a few tests at once onto PostgreSQL. Swift Testing starts all tests together; hundreds of clients,
/// servers and databases on two cores would only time out on each other.
public struct Gated: TestTrait, SuiteTrait, TestScoping {
    /// Every test of a suite passes by itself.
    public let isRecursive = true

    /// Runs one case of a test when it is its turn.
    public func provideScope(
        for test: Test, testCase: Test.Case?, performing body: @Sendable () async throws -> Void
    ) async throws {
        guard testCase != nil else { return try await body() }
        await Gate.shared.enter()
        do {
            try await Self.limited(body)
        } catch {
            await Gate.shared.leave()
            throw error
        }
        await Gate.shared.leave()
    }

    /// Swift Testing's own limit would count the time at the gate, too: on a slow machine all of that.
    private static func limited(_ body: @Sendable () async throws -> Void) async throws {
        try await withoutActuallyEscaping(body) { body in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await body() }
                group.addTask {
                    try await Task.sleep(for: limit)
                    throw TookTooLong(limit: limit)
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        }
    }

    private static let limit = Duration.seconds(180)
}

/// A test did not end in time: most likely it waits for what will not happen.
struct TookTooLong: Error {
    let limit: Duration
}

extension Trait where Self == Gated {
    /// Waits its turn among the tests that need PostgreSQL.
    public static var gated: Gated { Gated() }
}

/// As many places as there are cores; first come, first served.
private actor Gate {
    static let shared = Gate(places: ProcessInfo.processInfo.activeProcessorCount)

    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(places: Int) {
        free = places
    }

    func enter() async {
        if free > 0 {
            free -= 1
        } else {
            await withCheckedContinuation { waiting.append($0) }
        }
    }

    func leave() {
        if waiting.isEmpty {
            free += 1
        } else {
            waiting.removeFirst().resume()
        }
    }
}
