import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import HTTPTypes
import Synchronization
import Testing

/// Clients that do anything, in any order, at once. `make bench` does the same for longer, on the real binary.
@Suite("Random moves of many clients", .gated)
struct RandomMovesTests {
    @Test(
        "No overlap, no lost update, no stuck waiter, no answer out of place", arguments: [1, 2, 3])
    func moves(seed: UInt64) async throws {
        try await TestAPI.with { api in
            try await Self.makeEnvironments(api)
            let edits = await withTaskGroup(of: [Edit].self) { group in
                for number in 0..<8 {
                    group.addTask {
                        var client = RandomClient(api, seed: seed * 100 + UInt64(number))
                        for _ in 0..<40 { await client.move() }
                        return client.edits
                    }
                }
                return await group.reduce(into: []) { $0 += $1 }
            }
            #expect(edits.count > 10)
            #expect(Set(edits).count == edits.count, "two edits of one version were taken")
            try await api.pass(to: 0)
            #expect(try await api.database.doubleBookings() == 0)
            #expect(try await Self.stuckWaiters(api) == [])
            // The audit judges by its own lights.
            let audit = try await api.database.berth.audit(
                AuditRequest(recordedBy: "test"), now: api.clock.now)
            #expect(audit.findings.filter { $0.severity == .critical } == [])
        }
    }

    /// An edit that was taken: of what, and at which version.
    struct Edit: Hashable {
        var reference: String
        var etag: String
    }

    static let keys = ["stub", "plain", "asks", "gives", "needs", "also-needs", "shares"]

    private static func makeEnvironments(_ api: TestAPI) async throws {
        for key in keys {
            try await api.database.environment(key) { draft in
                switch key {
                case "asks": draft.policy.approval = .manager
                case "gives": draft.policy.displaceable = true
                case "needs": draft.parts = [.init(key: "stub", usage: .exclusive)]
                case "also-needs":
                    draft.parts = [.init(key: "stub", usage: .same)]
                    draft.policy.teardownMinutes = 20
                case "shares": draft.capacity = 2
                default: draft.policy.setupMinutes = 10
                }
            }
        }
    }

    /// Those in line whom nothing keeps from what they wait for.
    private static func stuckWaiters(_ api: TestAPI) async throws -> [Int64] {
        let rows = try await api.database.client.query(
            """
            SELECT w.id FROM bookings w
            WHERE w.state IN ('waitlisted', 'displaced') AND w.select_labels IS NULL
              AND NOT EXISTS (
                SELECT FROM blockers(
                    w.environment_ids, w.mode, w.starts_at - make_interval(mins => w.setup_minutes),
                    w.ends_at + make_interval(mins => w.teardown_minutes), ARRAY[w.id], 1))
            """)
        return try rows.map { try $0.decode(Int64.self) }
    }
}

/// One client, who remembers what it booked.
private struct RandomClient {
    private let api: TestAPI
    private let name: String
    private var random: SeededRandom
    private var known: [String] = []
    private(set) var edits: [RandomMovesTests.Edit] = []

    init(_ api: TestAPI, seed: UInt64) {
        self.api = api
        random = SeededRandom(seed: seed)
        name = ["tess", "bob", "max", "ada"][Int(seed % 4)]
    }

    private mutating func one<Value>(_ values: [Value]) -> Value {
        values[Int.random(in: 0..<values.count, using: &random)]
    }

    /// Does something, and holds the answer to what may be answered.
    mutating func move() async {
        do {
            let chosen = Int.random(in: 0..<20, using: &random)
            var expected: Set<Int> = [200, 201, 403, 404, 409, 412, 422]
            let answer: TestAnswer
            switch (chosen, known.isEmpty) {
            case (0..<8, _), (_, true): answer = try await book()
            case (8..<12, _): answer = try await edit()
            case (12, _):
                // 400: it is over already.
                expected.insert(400)
                answer = try await api.post(
                    "/v1/bookings/shift", #"{"bookings":["\#(one(known))"],"days":1}"#, as: name)
            default: answer = try await act()
            }
            #expect(expected.contains(answer.status), "\(answer.text)")
        } catch {
            Issue.record(error)
        }
    }

    private mutating func book() async throws -> TestAnswer {
        let from = Double(Int.random(in: 1..<48, using: &random)) / 4
        let length = Double(Int.random(in: 1...8, using: &random)) / 4
        let keys = RandomMovesTests.keys.shuffled(using: &random)
            .prefix(Int.random(in: 1...2, using: &random))
        let extra = one([
            "", "", #""onConflict":"waitlist""#, #""onConflict":"waitlist""#, #""mode":"shared""#,
            #""mode":"shared","onConflict":"waitlist""#, #""priority":"low""#,
            #""recurrence":{"rrule":"FREQ=DAILY;COUNT=3"},"onConflict":"skip""#,
            name == "max" || name == "ada" ? #""priority":"urgent""# : #""leaseSeconds":3600"#,
        ])
        let body = """
            {"environments":[\(keys.map { "\"\($0)\"" }.joined(separator: ","))],"title":"Random",\
            \(name == "ada" ? #""team":"mobile","# : "")\
            "startsAt":"\(TestAPI.at(from))","endsAt":"\(TestAPI.at(from + length))"\
            \(extra.isEmpty ? "" : ",")\(extra)}
            """
        let made = try await api.post("/v1/bookings", body, as: name)
        if let reference = made["reference"] { known.append(reference) }
        return made
    }

    private mutating func edit() async throws -> TestAnswer {
        let reference = one(known)
        let seen = try await api.get("/v1/bookings/\(reference)", as: name)
        let etag = seen.headers[.eTag] ?? ""
        let start = try RFC3339.date(seen["startsAt"] ?? "")
        let moved = start.addingTimeInterval(Double(Int.random(in: -4...8, using: &random)) * 900)
        let end = moved.addingTimeInterval(Double(Int.random(in: 1...8, using: &random)) * 900)
        let patch = one([
            #"{"startsAt":"\#(RFC3339.string(max(moved, TestDatabase.now)))","#
                + #""endsAt":"\#(RFC3339.string(max(end, TestDatabase.now + 900)))"}"#,
            #"{"environments":["\#(one(RandomMovesTests.keys))"]}"#,
            #"{"title":"Random \#(moved.timeIntervalSince1970)"}"#,
        ])
        let answer = try await api.patch(
            "/v1/bookings/\(reference)\(one(["", "?scope=all"]))", patch, as: name, ifMatch: etag)
        if answer.status == 200, answer.headers[.eTag] != etag {
            edits.append(.init(reference: reference, etag: etag))
        }
        return answer
    }

    private mutating func act() async throws -> TestAnswer {
        let action = one([
            "cancel", "cancel?scope=all", "approve", "approve?scope=all", "reject",
            "extend", "release", "check-in", "renew",
        ])
        let body = action == "extend" ? #"{"minutes":30}"# : nil
        let actor = ["approve", "reject"].contains(action.prefix { $0 != "?" }) ? "ada" : name
        return try await api.post("/v1/bookings/\(one(known))/\(action)", body, as: actor)
    }
}
