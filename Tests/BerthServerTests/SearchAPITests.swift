import BerthCore
import BerthTestSupport
import Foundation
import Testing

@testable import BerthServer

@Suite("The search for free time over HTTP", .gated)
struct SearchAPITests {
    @Test("It finds the best slots of what matches, and says why")
    func search() async throws {
        try await TestAPI.with { api in
            for key in ["uat-1", "uat-2", "sit-1"] {
                try await api.database.environment(key) {
                    $0.tier = String(key.prefix(3))
                    $0.labels = ["region": "emea"]
                }
            }
            try await api.database.book(TestDatabase.draft("uat-1", from: 0, to: 1))
            try await api.database.book(TestDatabase.draft("uat-2", from: 2, to: 3))
            let answer = try await api.get(
                "/v1/availability?minutes=120&labels=tier:uat,region:emea"
                    + "&to=2027-03-01T13:00:00Z", as: "vera")
            #expect(
                answer.text
                    == #"{"items":[{"environments":["uat-2"],"startsAt":"2027-03-01T09:00:00Z","#
                    + #""endsAt":"2027-03-01T11:00:00Z","reasons":["free at once","#
                    + #""keeps nobody out of shared parts","fits a gap of 2 h exactly"]},"#
                    + #"{"environments":["uat-1"],"startsAt":"2027-03-01T10:00:00Z","#
                    + #""endsAt":"2027-03-01T12:00:00Z","reasons":["first free at "#
                    + #"2027-03-01T10:00:00Z","keeps nobody out of shared parts","#
                    + #""nothing else before 2027-03-01T13:00:00Z"]}]}"#)
            let together = try await api.get(
                "/v1/availability?minutes=30&count=3&limit=1&mode=shared", as: "vera")
            #expect(together.items.first?["startsAt"] as? String == "2027-03-01T10:00:00Z")
            #expect((together.items.first?["environments"] as? [String])?.count == 3)
            #expect(together.items.count == 1)
            #expect(try await api.get("/v1/availability?minutes=1&labels=tier:dev").items.isEmpty)
        }
    }

    @Test("It never looks before now, and a span too short for the slot has none")
    func past() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            let past = try await api.get(
                "/v1/availability?minutes=60&from=2027-02-28T09:00:00Z&limit=1")
            #expect(past.items.first?["startsAt"] as? String == "2027-03-01T09:00:00Z")
            api.clock.now = TestDatabase.now.addingTimeInterval(0.4)
            let between = try await api.get("/v1/availability?minutes=60&limit=1")
            #expect(between.items.first?["startsAt"] as? String == "2027-03-01T09:00:01Z")
            let short = try await api.get("/v1/availability?minutes=60&to=2027-03-01T09:59:00Z")
            #expect(short.status == 200 && short.items.isEmpty)
        }
    }

    @Test(
        "Each bound of the question is held, and nothing unknown is taken",
        arguments: [
            ("", "minutes"), ("minutes=0", "minutes"), ("minutes=527041", "minutes"),
            ("minutes=x", "minutes"), ("minutes=5&count=0", "count"),
            ("minutes=5&count=21", "count"), ("minutes=5&limit=0", "limit"),
            ("minutes=5&limit=101", "limit"), ("minutes=5&mode=both", "mode"),
            ("minutes=5&labels=uat", "labels"), ("minutes=5&tier=uat", "tier"),
            ("minutes=5&to=2027-03-01T09:00:00Z", "to"),
            ("minutes=5&from=2027-03-01T00:00:00Z&to=2028-03-02T00:00:00Z", "to"),
            ("minutes=5&from=monday", "from"),
        ])
    func refusals(_ query: String, _ pointer: String) async throws {
        try await TestAPI.with { api in
            let answer = try await api.get("/v1/availability?\(query)")
            #expect(answer.status == 400)
            #expect(answer.pointers == [pointer])
        }
    }

    @Test("The bounds themselves are taken, from whoever has a token")
    func bounds() async throws {
        try await TestAPI.with { api in
            let most = "minutes=527040&count=20&limit=100&to=2028-03-01T09:00:00Z"
            let taken = try await api.get("/v1/availability?\(most)", as: "vera")
            #expect(taken.status == 200)
            let unknown = try await api.get("/v1/availability?minutes=5", as: nil)
            #expect(unknown.status == 401)
        }
    }
}
