import BerthCore
import BerthTestSupport
import Foundation
import Logging
import Postgres
import Synchronization
import Testing

@testable import BerthDatabase

/// Somebody keeps the row of one environment locked: a long decision, or a hand in psql.
@Suite("A stuck environment", .gated)
struct StuckEnvironmentTests {
    /// Locks an environment by hand while `body` runs.
    @discardableResult
    private func whileLocked<Value: Sendable>(
        _ key: String, in database: TestDatabase, _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        let hand = try await TestServer.shared.value.client(database: database.name) {
            $0.maxConnections = 1
        }
        let running = Task { try await hand.run() }
        defer { running.cancel() }
        return try await hand.transaction { transaction in
            try await transaction.query(
                "SELECT FROM environments WHERE key = \(key) FOR UPDATE")
            return try await body()
        }
    }

    /// Waits until so many requests of the scheduler are undecided.
    private func until(_ count: Int, waitIn scheduler: Scheduler) async throws {
        while await scheduler.undecided != count { await Task.yield() }
    }

    @Test(
        "Bookings of other environments are decided beside it, and its own once it is free, in order"
    )
    func beside() async throws {
        try await TestDatabase.with(connections: 3) { database in
            // They share a part, which whoever waits for the stuck one leaves free.
            try await database.environment("part")
            for key in ["stuck"] + (0..<4).map({ "free-\($0)" }) {
                try await database.environment(key) {
                    $0.parts = [.init(key: "part", usage: .shared)]
                }
            }
            let waiting = try await whileLocked("stuck", in: database) {
                let first = Task {
                    try await database.book(
                        TestDatabase.draft("stuck", from: 1, to: 3, title: "first"))
                }
                try await until(1, waitIn: database.berth.scheduler)
                let second = Task {
                    try await database.isRefused(TestDatabase.draft("stuck", from: 2, to: 4))
                }
                try await until(2, waitIn: database.berth.scheduler)
                for hour in 0..<2 {
                    for number in 0..<4 {
                        try await database.book(
                            TestDatabase.draft(
                                "free-\(number)", from: Double(hour), to: Double(hour + 1)))
                    }
                }
                return (first, second)
            }
            #expect(try await waiting.0.value.title == "first")
            #expect(try await waiting.1.value)
            #expect(await database.berth.scheduler.undecided == 0)
        }
    }

    @Test("Who needs the stuck one and another keeps its place for both")
    func both() async throws {
        try await TestDatabase.with(connections: 3) { database in
            try await database.environment("free")
            try await database.environment("stuck")
            let waiting = try await whileLocked("stuck", in: database) {
                let first = Task {
                    try await database.book(TestDatabase.draft("stuck", "free", from: 1, to: 3))
                }
                try await until(1, waitIn: database.berth.scheduler)
                let second = Task {
                    try await database.isRefused(TestDatabase.draft("free", from: 2, to: 4))
                }
                try await until(2, waitIn: database.berth.scheduler)
                return (first, second)
            }
            #expect(try await waiting.0.value.environments == ["stuck", "free"])
            #expect(try await waiting.1.value)
        }
    }

    @Test("Edits and cancellations that wait for it leave connections to all others")
    func decisions() async throws {
        try await TestDatabase.with(connections: 6) { database in
            try await database.environment("stuck")
            try await database.environment("free")
            var bookings: [Booking] = []
            for hour in 0..<20 {
                bookings.append(
                    try await database.book(
                        TestDatabase.draft("stuck", from: Double(hour), to: Double(hour + 1))))
            }
            let held = try await database.book(TestDatabase.draft("free", from: 0, to: 1))
            let references = bookings.map(\.reference)
            let cancelling = try await whileLocked("stuck", in: database) {
                let cancelling = Task {
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for reference in references {
                            group.addTask {
                                _ = try? await database.berth.cancelBooking(
                                    BookingMoveCall(
                                        reference, by: TestDatabase.admin, now: TestDatabase.now),
                                    reason: nil)
                            }
                        }
                        try await group.waitForAll()
                    }
                }
                while await database.berth.lockWaiters.count == 0 { await Task.yield() }
                _ = try await database.berth.cancelBooking(
                    BookingMoveCall(held.reference, by: TestDatabase.admin, now: TestDatabase.now),
                    reason: nil)
                try await database.book(TestDatabase.draft("free", from: 0, to: 1))
                return cancelling
            }
            try await cancelling.value
        }
    }

    @Test("Time goes on for all others: they begin, expire and complete beside it")
    func time() async throws {
        try await TestDatabase.with(connections: 4) { database in
            try await database.environment("stuck") { $0.policy.checkInMinutes = 10 }
            try await database.environment("free")
            try await database.book(TestDatabase.draft("stuck", from: 1, to: 3))
            let free = try await database.book(TestDatabase.draft("free", from: 1, to: 3))
            try await whileLocked("stuck", in: database) {
                try await Clockwork(database.berth, logger: Logger(label: "test")).advance(
                    to: TestDatabase.now.addingTimeInterval(2 * 3600))
                let rows = try await database.client.query(
                    "SELECT state::text FROM bookings WHERE id = \(free.reference.id)")
                #expect(try rows[rows.startIndex].decode(String.self) == "active")
            }
        }
    }

    @Test("A wait for its lock that runs out wrote nothing, and is unavailable, not unknown")
    func runsOut() async throws {
        try await TestDatabase.with(connections: 4) { database in
            try await database.environment("stuck")
            try await whileLocked("stuck", in: database) {
                await #expect(throws: BerthError.unavailable(retryAfterSeconds: 1)) {
                    try await database.book(TestDatabase.draft("stuck", from: 1, to: 3))
                }
            }
            try await database.book(TestDatabase.draft("stuck", from: 1, to: 3))
        }
    }

    @Test(
        "What its environments come to reach while it waits for their locks is locked in the one order"
    )
    func grown() async throws {
        try await TestDatabase.with(connections: 4) { database in
            for key in ["low", "middle", "high"] { try await database.environment(key) }
            let hand = try await TestServer.shared.value.client(database: database.name) {
                $0.maxConnections = 1
            }
            let running = Task { try await hand.run() }
            defer { running.cancel() }
            let booking = try await hand.transaction { transaction in
                try await transaction.query(
                    "SELECT FROM environments WHERE key = 'high' FOR UPDATE")
                let booking = Task {
                    try await database.book(TestDatabase.draft("middle", "high", from: 1, to: 3))
                }
                var isWaiting = false
                while !isWaiting {
                    let rows = try await database.client.query(
                        """
                        SELECT count(*) > 0 FROM pg_stat_activity
                        WHERE datname = current_database() AND wait_event_type = 'Lock'
                        """)
                    isWaiting = try rows[rows.startIndex].decode(Bool.self)
                }
                try await transaction.query(
                    """
                    UPDATE environments SET part_ids = ARRAY[(SELECT id FROM environments WHERE key = 'low')],
                        part_usages = '{same}', version = version + 1
                    WHERE key = 'high'
                    """)
                return booking
            }
            #expect(try await booking.value.environments == ["middle", "high"])
            #expect(try await database.isRefused(TestDatabase.draft("low", from: 2, to: 4)))
        }
    }

    @Test(
        "Who waits for several environments is not overtaken by those who come later for one of them"
    )
    func several() async throws {
        let waiters = LockWaiters()
        let served = Served()
        let tasks = try await waiters.takingTurns(for: [1]) {
            var tasks: [Task<Void, any Error>] = []
            for (name, environments) in [("both", Set<Int64>([1, 2])), ("one", [2])] {
                tasks.append(
                    Task {
                        try await waiters.takingTurns(for: environments) {
                            served.names.withLock { $0.append(name) }
                        }
                    })
                while await waiters.count < UInt64(tasks.count + 1) { await Task.yield() }
            }
            return tasks
        }
        for task in tasks { try await task.value }
        #expect(served.names.withLock { $0 } == ["both", "one"])
    }
}

/// Who had its turn, in order.
private final class Served: Sendable {
    let names = Mutex<[String]>([])
}
