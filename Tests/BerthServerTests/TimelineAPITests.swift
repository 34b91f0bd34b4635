import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import HTTPTypes
import Testing

@testable import BerthServer

@Suite("The timeline's data", .gated)
struct TimelineAPITests {
    /// Reads columns back into rows, by the contract alone.
    private struct Columns {
        let json: [String: Any]

        func numbers(_ list: String, _ column: String, rising: Bool = false) -> [Int] {
            let values = (json[list] as? [String: Any])?[column] as? [Int] ?? []
            guard rising else { return values }
            var sum = 0
            return values.map { difference in
                sum += difference
                return sum
            }
        }

        func texts(_ name: String) -> [String] { json[name] as? [String] ?? [] }

        var keys: [String] { (json["environments"] as? [String: Any])?["key"] as? [String] ?? [] }

        /// `BK-1000 uat-1 crm confirmed 60+120 Title via -`, for each line.
        var lines: [String] {
            let ids = numbers("bookings", "id", rising: true)
            let starts = numbers("bookings", "start", rising: true)
            let vias = numbers("lines", "via")
            let environments = numbers("lines", "environment")
            return numbers("lines", "booking", rising: true).enumerated().map { place, booking in
                let state = texts("states")[numbers("bookings", "state")[booking]]
                let team = texts("teams")[numbers("bookings", "team")[booking]]
                let title = texts("titles")[numbers("bookings", "title")[booking]]
                let length = numbers("bookings", "length")[booking]
                let via = vias[place] < 0 ? "-" : keys[vias[place]]
                return "BK-\(ids[booking]) \(keys[environments[place]]) \(team) \(state) "
                    + "\(starts[booking])+\(length) \(title) via \(via)"
            }
        }
    }

    private let span = "from=2027-03-01T00:00:00Z&to=2027-03-08T00:00:00Z"

    private func columns(_ query: String, _ api: TestAPI) async throws -> Columns {
        let answer = try await api.get("/v1/timeline?\(query)", as: "vera")
        #expect(answer.status == 200, "\(answer.text)")
        return Columns(json: answer.json)
    }

    @Test("Each booking is on each of its rows, with its parts when they are asked for")
    func lines() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("part")
            try await api.database.environment("whole") {
                $0.parts = [TestEnvironment.Part(key: "part", usage: .same)]
            }
            try await api.database.environment("plain") { $0.tier = "sit" }
            try await api.database.book(TestDatabase.draft("whole", from: 1, to: 3, title: "One"))
            try await api.database.book(
                TestDatabase.draft("plain", "whole", from: 4, to: 5, team: "mobile", title: "Two"))
            // Over before, begun after, and called off: not there.
            try await api.database.book(TestDatabase.draft("plain", from: 24 * 8, to: 24 * 8 + 1))
            let off = try await api.database.book(TestDatabase.draft("plain", from: 30, to: 31))
            #expect(
                try await api.post("/v1/bookings/\(off.reference)/cancel", as: "ada").status == 200)
            let plain = try await columns(span, api)
            #expect(
                plain.lines.sorted() == [
                    "BK-1000 whole crm confirmed 600+120 One via -",
                    "BK-1001 plain mobile confirmed 780+60 Two via -",
                    "BK-1001 whole mobile confirmed 780+60 Two via -",
                ])
            let parts = try await columns("\(span)&parts=true&environments=part,whole", api)
            #expect(
                parts.lines.sorted() == [
                    "BK-1000 part crm confirmed 600+120 One via whole",
                    "BK-1000 whole crm confirmed 600+120 One via -",
                    "BK-1001 part mobile confirmed 780+60 Two via whole",
                    "BK-1001 whole mobile confirmed 780+60 Two via -",
                ])
            #expect(try await columns("\(span)&labels=tier:sit", api).keys == ["plain"])
            let environments = try #require(
                try await api.get("/v1/timeline?\(span)").json["environments"] as? [String: Any])
            #expect(environments["parts"] as? [[Int]] == [[], [], [0]])
            #expect(environments["usages"] as? [[Int]] == [[], [], [0]])
        }
    }

    @Test("Who waits, windows and changes are there; a corrected change once, as it stands")
    func others() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") { $0.ownerTeam = "crm" }
            try await api.database.book(TestDatabase.draft("uat-1", from: 24, to: 26))
            let waits = try await api.post(
                "/v1/bookings",
                #"{"environments":["uat-1"],"startsAt":"2027-03-02T09:30:00Z","minutes":60,"title":"Line","onConflict":"waitlist"}"#
            )
            #expect(waits.status == 201)
            let window = try await api.post(
                "/v1/change-windows",
                #"{"kind":"change","environments":["uat-1"],"title":"Release","startsAt":"2027-03-03T00:00:00Z","minutes":60,"recurrence":{"rrule":"FREQ=DAILY;COUNT=2"}}"#,
                as: "max")
            #expect(window.status == 201, "\(window.text)")
            let change = try await api.post(
                "/v1/changes",
                #"{"environment":"uat-1","kind":"deploy","summary":"1.0","actor":"ci","occurredAt":"2027-03-01T08:00:30Z"}"#
            )
            let id = try #require(change.json["id"] as? Int)
            let corrected = try await api.post(
                "/v1/changes",
                #"{"environment":"uat-1","kind":"deploy","summary":"1.1","actor":"ci","corrects":\#(id)}"#
            )
            #expect(corrected.status == 201, "\(corrected.text)")
            let columns = try await columns(span, api)
            #expect(columns.lines.contains { $0.contains("waitlisted 2010+60 Line") })
            #expect(columns.numbers("windows", "start", rising: true) == [2_880, 4_320])
            #expect(columns.numbers("windowLines", "window", rising: true) == [0, 1])
            #expect(
                columns.numbers("changes", "id", rising: true) == [corrected.json["id"] as? Int])
            #expect(columns.numbers("changes", "at", rising: true) == [480])
            #expect(
                columns.texts("controls")[columns.numbers("changes", "control")[0]]
                    == "uncontrolled")
        }
    }

    @Test("What has not changed is 304 once it is told; each change makes another tag")
    func tags() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") { $0.ownerTeam = "crm" }
            let path = "/v1/timeline?\(span)"
            func ask(_ tag: String?) async throws -> TestAnswer {
                var headers: HTTPFields = [:]
                headers[.ifNoneMatch] = tag
                return try await api.send(.get, path, as: "vera", headers: headers)
            }
            // Transactions of other tests keep what was written from being told for a while.
            func settle() async throws -> TestAnswer {
                var answer: TestAnswer?
                try await eventually("what was written is told", within: .seconds(60)) {
                    answer = try await ask(try await ask(nil).headers[.eTag])
                    return answer?.status == 304
                }
                return try #require(answer)
            }
            let unchanged = try await settle()
            #expect(unchanged.text.isEmpty)
            var tag = try #require(unchanged.headers[.eTag])
            #expect(unchanged.headers[values: .cacheControl] == ["private, no-cache"])
            for change in [
                #"/v1/bookings|{"environments":["uat-1"],"startsAt":"2027-03-02T09:30:00Z","minutes":60,"title":"A"}"#,
                #"/v1/changes|{"environment":"uat-1","kind":"deploy","summary":"1.0","actor":"ci","occurredAt":"2027-03-01T08:00:30Z"}"#,
                #"/v1/change-windows|{"kind":"freeze","environments":["uat-1"],"title":"F","startsAt":"2027-03-04T00:00:00Z","minutes":60}"#,
            ] {
                let sides = change.split(separator: "|", maxSplits: 1).map(String.init)
                let made = try await api.post(sides[0], sides[1], as: "max")
                #expect(made.status == 201, "\(made.text)")
                let changed = try await ask(tag)
                #expect(changed.status == 200)
                tag = try #require(try await settle().headers[.eTag])
            }
            // Committed, but not told yet: a transaction that began before is still open.
            try await api.database.client.transaction { open in
                try await open.query("SELECT pg_current_xact_id()")
                for (title, day) in [("B", 5), ("C", 6)] {
                    let made = try await api.post(
                        "/v1/bookings",
                        #"{"environments":["uat-1"],"startsAt":"2027-03-0\#(day)T09:30:00Z","minutes":60,"title":"\#(title)"}"#
                    )
                    #expect(made.status == 201, "\(made.text)")
                    let changed = try await ask(tag)
                    #expect(changed.status == 200)
                    tag = try #require(changed.headers[.eTag])
                }
            }
        }
    }

    @Test("Who takes gzip gets it, for the timeline, the page's files, and not otherwise")
    func compression() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            let paths = ["/v1/timeline?\(span)", PageAssets.shared.path("timeline.js")]
            for path in paths {
                let plain = try await api.send(.get, path, as: "vera")
                #expect(plain.headers[.contentEncoding] == nil)
                #expect(plain.headers[.vary]?.contains("Accept-Encoding") == true)
                for (accepted, isGzip) in [
                    ("gzip, br", true), ("br;q=1.0, gzip;q=0.5", true), ("*", true),
                    ("gzip;q=0", false), ("*, gzip;q=0", false), ("br", false), ("gzipped", false),
                ] {
                    let answer = try await api.bytes(
                        path, as: "vera", headers: [.acceptEncoding: accepted])
                    #expect((answer.headers[.contentEncoding] == "gzip") == isGzip, "\(accepted)")
                    let body = isGzip ? try gunzip(answer.body) : answer.body
                    #expect(standing(String(decoding: body, as: UTF8.self)) == standing(plain.text))
                }
            }
        }
    }

    /// An answer but for its place in the stream, which other tests' transactions move.
    private func standing(_ answer: String) -> String {
        answer.replacing(#/"position":"[^"]*"/#, with: "")
    }

    /// What another program makes of it.
    private func gunzip(_ data: Data) throws -> Data {
        let file = FileManager.default.temporaryDirectory
            .appendingPathComponent("berth-\(UUID().uuidString).gz")
        try data.write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["gzip", "-dc", file.path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let unpacked = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return unpacked
    }

    @Test(
        "A stream's events tell what is drawn: a booking on all its rows, a change, what a correction replaces"
    )
    func described() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("part")
            try await api.database.environment("whole") {
                $0.parts = [TestEnvironment.Part(key: "part", usage: .same)]
            }
            let begin = try await api.database.berth.streamPosition()
            let booking = try await api.database.book(
                TestDatabase.draft("whole", from: 1, to: 3, title: "One"))
            let change = try await api.post(
                "/v1/changes",
                #"{"environment":"part","kind":"deploy","summary":"1.0","actor":"ci","occurredAt":"2027-03-01T08:00:30Z"}"#
            )
            let id = try #require(change.json["id"] as? Int)
            _ = try await api.post(
                "/v1/changes",
                #"{"environment":"part","kind":"deploy","summary":"1.1","actor":"ci","corrects":\#(id)}"#
            )
            // Transactions of other tests hold events back.
            func events(until isWhole: ([StreamEvent]) -> Bool) async throws -> [StreamEvent] {
                var told: [StreamEvent] = []
                try await eventually("all is told", within: .seconds(60)) {
                    told = try await api.database.berth.describedEvents(after: begin, limit: 100)
                    return isWhole(told)
                }
                return told
            }
            let first = try await events { $0.compactMap(\.change).count == 2 }
            let told = try #require(first.last { $0.kind.hasPrefix("booking.") }?.booking)
            #expect(told.title == "One" && told.team == "crm" && told.state == .confirmed)
            #expect(told.lines.map(\.environment) == ["part", "whole"])
            #expect(told.lines.map(\.via) == ["whole", nil])
            #expect(told.lines.map(\.isExclusive) == [true, true])
            #expect(first.compactMap(\.change).map(\.corrects) == [nil, Int64(id)])
            #expect(
                try await api.post("/v1/bookings/\(booking.reference)/cancel", as: "ada").status
                    == 200)
            let after = try await events { $0.last?.booking?.state == .cancelled }
            let cancelled = after.compactMap(\.booking)
            // Told again, each event says how it is by now.
            #expect(cancelled.count == 2)
            #expect(cancelled.allSatisfy { $0.state == .cancelled && $0.lines.isEmpty })
        }
    }

    @Test("More lines than are drawn are refused, naming what to ask for")
    func manyLines() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            try await api.database.psql(
                """
                INSERT INTO bookings (state, environment_ids, starts_at, ends_at, time_zone, title, team_id, mode,
                                      requested_by, record_only, created_at, updated_at, updated_by)
                SELECT 'completed', ARRAY[e.id], '2027-03-02', '2027-03-03', 'UTC', 'Past', t.id, 'shared', 'test', true,
                       '2027-03-04', '2027-03-04', 'test'
                FROM environments e, teams t, generate_series(0, \(Limits.timelineLines))
                WHERE t.name = 'crm'
                """)
            let answer = try await api.get("/v1/timeline?\(span)", as: "vera")
            #expect(
                answer.status == 400 && answer.text.contains("50000 lines"),
                "\(answer.text.prefix(200))")
        }
    }

    @Test("A span that is reversed or too long is refused, naming the field")
    func bounds() async throws {
        try await TestAPI.with { api in
            for query in [
                "from=2027-03-01T00:00:00Z&to=2027-03-01T00:00:00Z",
                "from=2027-03-01T00:00:00Z&to=2027-08-01T00:00:00Z", "labels=x", "parts=maybe",
                "span=7",
            ] {
                let answer = try await api.get("/v1/timeline?\(query)", as: "vera")
                #expect(answer.status == 400, "\(query)")
            }
            #expect(try await api.get("/v1/timeline", as: nil).status == 401)
            try await api.database.psql(
                """
                INSERT INTO environments (key, name, tier, time_zone, created_at, updated_at, updated_by)
                SELECT 'env-' || i, 'env-' || i, 'uat', 'UTC', now(), now(), 'test' FROM generate_series(1, 2001) i
                """)
            let many = try await api.get("/v1/timeline", as: "vera")
            #expect(many.status == 400 && many.text.contains("2000 environments"))
            // The last by key, which no page of the first ones has.
            let one = try await api.get("/v1/timeline?environments=env-999", as: "vera")
            #expect(Columns(json: one.json).keys == ["env-999"])
        }
    }
}
