import BerthTestSupport
import BerthCore
import Foundation
import Synchronization
import Testing

/// Clients that book slots of their own over keep-alive connections, each request with an
/// Idempotency-Key, and repeat what was answered 503 until it is done.
final class Load: Sendable {
    struct Acknowledged: Sendable {
        var call: Call
        var reference: String
        var slot: String
    }

    private struct State {
        var acknowledged: [Acknowledged] = []
        var statuses: [Int: Int] = [:]
        /// Answers that nobody should get, with their bodies.
        var wrong: [String] = []
        /// The longest time to an answer.
        var longest = Duration.zero
        var isOver = false
        var running = 0
    }

    private static let environments = ["load-1", "load-2", "load-3", "load-4"]
    private let state = Mutex(State())

    /// Starts clients on a server.
    init(on server: Server, clients: Int = 16) async throws {
        try await server.make(Self.environments)
        state.withLock { $0.running = clients }
        for client in 0..<clients {
            Thread.detachNewThread {
                self.run(client, of: clients, server)
                self.state.withLock { $0.running -= 1 }
            }
        }
    }

    var acknowledged: [Acknowledged] { state.withLock { $0.acknowledged } }
    var statuses: [Int: Int] { state.withLock { $0.statuses } }
    var wrong: [String] { state.withLock { $0.wrong } }
    var longest: Duration { state.withLock { $0.longest } }

    /// Waits until so many more bookings are acknowledged.
    func books(_ count: Int, within limit: Duration = .seconds(60)) async throws {
        let goal = acknowledged.count + count
        do {
            try await eventually("\(count) bookings", within: limit) { acknowledged.count >= goal }
        } catch {
            throw Failure("\(error): \(statuses), \(wrong.prefix(3))")
        }
    }

    /// Lets each client finish its request, and waits for that.
    func end() async throws {
        state.withLock { $0.isOver = true }
        try await ended()
    }

    /// Waits until each client has ended, as it does when it loses its connection.
    func ended() async throws {
        try await eventually("the end of the load", within: .seconds(40)) {
            state.withLock { $0.running == 0 }
        }
    }

    /// Expects every acknowledged booking to be there, each slot to be given once, and each
    /// request, when it is repeated, to be answered as before.
    func expectKept(on server: Server) async throws {
        let found = try await server.bookings()
        let acknowledged = acknowledged
        #expect(!acknowledged.isEmpty)
        #expect(Set(acknowledged.map(\.reference)).count == acknowledged.count)
        let missing = acknowledged.filter { found[$0.reference] != $0.slot }
        #expect(missing.isEmpty, "of \(acknowledged.count): \(missing.prefix(3))")
        #expect(Set(found.values).count == found.count, "a slot was given twice")
        let port = server.port
        let changed = try await onThread {
            let connection = try Connection(port: port)
            return try acknowledged.compactMap { booking -> String? in
                let again = try connection.answer(to: booking.call)
                return again.status == 201 && again.reference == booking.reference
                    ? nil : "\(booking.reference): \(again.status) \(again.text)"
            }
        }
        #expect(changed.isEmpty, "\(changed.prefix(3))")
        #expect(try await server.bookings().count == found.count)
    }

    private func run(_ client: Int, of clients: Int, _ server: Server) {
        do {
            let connection = try Connection(port: server.port)
            var number = client
            while !state.withLock({ $0.isOver }) {
                try book(number, server.token, connection)
                number += clients
            }
        } catch let lost as Connection.Lost {
            state.withLock { $0.statuses[0, default: 0] += 1 }
            if lost.reason.hasPrefix("receive: \(EAGAIN)") {
                state.withLock { $0.wrong.append("no answer in 30 s") }
            }
        } catch {
            state.withLock { $0.wrong.append("\(error)") }
        }
    }

    private func book(_ number: Int, _ token: String, _ connection: Connection) throws {
        let environment = Self.environments[number % Self.environments.count]
        let start = RFC3339.string(
            Date(timeIntervalSince1970: 1_900_000_800 + Double(number) * 3600))
        let call = Call.post(
            "/v1/bookings", token,
            """
            {"environments":["\(environment)"],"startsAt":"\(start)","minutes":60,"title":"Load"}
            """, key: "load-\(number)")
        while true {
            let sent = ContinuousClock.now
            let answer = try connection.answer(to: call)
            let time = ContinuousClock.now - sent
            let isDone = state.withLock { state in
                state.statuses[answer.status, default: 0] += 1
                state.longest = max(state.longest, time)
                if answer.status == 201, let reference = answer.reference {
                    state.acknowledged.append(
                        Acknowledged(
                            call: call, reference: reference, slot: "\(environment) \(start)"))
                    return true
                }
                let isInFlight = answer.type == "/problems/request-in-flight"
                if !answer.saysLater, !isInFlight {
                    state.wrong.append("\(answer.status) \(answer.headers) \(answer.text)")
                }
                return state.isOver
            }
            if isDone { return }
            // Polite enough not to starve the recovery that is waited for.
            usleep(20_000)
        }
    }
}
