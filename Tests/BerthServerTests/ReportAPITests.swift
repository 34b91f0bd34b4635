import BerthCore
import BerthTestSupport
import Foundation
import HTTPTypes
import Testing

@Suite("Reports over HTTP", .gated)
struct ReportAPITests {
    /// A Monday from 9 o'clock on three environments, with something of everything, looked at 10 hours later.
    private static func withMonday(_ body: @escaping @Sendable (TestAPI) async throws -> Void)
        async throws
    {
        try await TestAPI.with { api in
            try await api.database.environment("sit-1") { $0.tier = "sit" }
            try await api.database.environment("uat-1") {
                $0.tier = "uat"
                $0.policy.checkInMinutes = 15
                $0.policy.openingHours = [.init(days: ["MO"], from: "08:00", to: "18:00")]
            }
            try await api.database.environment("uat-2") { $0.tier = "uat" }
            let early = try await api.book(TestAPI.booking("uat-1", from: 1, to: 3))
            try await api.book(TestAPI.booking("uat-1", from: 4, to: 5))
            let longer = try await api.book(TestAPI.booking("sit-1", from: 1, to: 2))
            let shared = #""mode":"shared""#
            try await api.book(TestAPI.booking("uat-2", from: 1, to: 3, shared))
            try await api.book(TestAPI.booking("uat-2", from: 2, to: 4, shared), as: "bob")
            try await api.book(
                TestAPI.booking("sit-1", from: 1, to: 2, #""onConflict":"waitlist""#), as: "bob")
            let refused = try await api.post(
                "/v1/bookings", TestAPI.booking("uat-2", "sit-1", from: 1, to: 2.5), as: "bob")
            #expect(refused.status == 409)
            let gone = try await api.book(TestAPI.booking("sit-1", from: 8, to: 9))
            try await api.move(gone, "cancel")
            try await api.pass(to: 1)
            api.clock.now = TestDatabase.now.addingTimeInterval(1.2 * 3600)
            try await api.move(early, "check-in")
            try await api.pass(to: 1.5)
            #expect(try await api.move(longer, "extend", #"{"minutes":30}"#).status == 200)
            try await api.pass(to: 2.5)
            try await api.move(early, "release")
            try await api.pass(to: 5)
            let etag = try await api.get("/v1/environments/sit-1").headers[.eTag]
            let outage = #"{"status":"unavailable","statusUntil":"\#(TestAPI.at(7))"}"#
            #expect(
                try await api.patch("/v1/environments/sit-1", outage, as: "ada", ifMatch: etag)
                    .status == 200)
            try await api.database.berth.flushRefusals()
            try await api.pass(to: 10)
            try await body(api)
        }
    }

    private static let span = "from=\(TestAPI.at(0))&to=\(TestAPI.at(24))"

    @Test(
        "Hours bookable, booked, used, refused, waited and unavailable, and what went wrong",
        arguments: [
            (
                "environment",
                [
                    "sit-1,22,2,1.5,1.5,1.5,1,7,1,0,1,1", "uat-1,9,0,1.75,1.3,0,0,14,2,1,0,0",
                    "uat-2,24,0,3,3,1.5,0,13,2,0,0,0",
                ]
            ),
            ("tier", ["sit,22,2,1.5,1.5,1.5,1,7,1,0,1,1", "uat,33,0,4.75,4.3,1.5,0,13,4,1,0,0"]),
            ("team", ["crm,,,5.25,4.8,0,0,,4,1,1,1", "mobile,,,2,2,3,1,,1,0,0,0"]),
        ])
    func lines(by grouping: String, _ expected: [String]) async throws {
        try await Self.withMonday { api in
            let path = "/v1/reports/utilisation?\(Self.span)&by=\(grouping)"
            let csv = try await api.send(.get, path, as: "vera", headers: [.accept: "text/csv"])
            #expect(csv.headers[.contentType]?.hasPrefix("text/csv") == true)
            let header =
                "\u{FEFF}\(grouping),bookableHours,unavailableHours,bookedHours,usedHours,"
                + "refusedHours,waitedHours,usedPercent,bookings,noShows,extensions,overruns"
            #expect(csv.text == ([header] + expected + [""]).joined(separator: "\r\n"))
            let json = try await api.get(path, as: "vera")
            #expect(
                json.items.map { $0["key"] as? String }
                    == expected.map {
                        $0.split(separator: ",").first.map(String.init)
                    })
            #expect(json["by"] == grouping)
        }
    }

    @Test("Only the hours within the span count, and only what was used until now")
    func clipped() async throws {
        try await Self.withMonday { api in
            let answer = try await api.get(
                "/v1/reports/utilisation?from=\(TestAPI.at(2))&to=\(TestAPI.at(6))")
            let sit = answer.items[0]
            #expect(sit["bookableHours"] as? Double == 3)
            #expect(sit["unavailableHours"] as? Double == 1)
            #expect(sit["bookedHours"] as? Double == 0.5)
            #expect(sit["waitedHours"] as? Double == 0)
            try await api.book(TestAPI.booking("uat-2", from: 12, to: 14))
            api.clock.now = TestDatabase.now.addingTimeInterval(13 * 3600)
            let late = try await api.get(
                "/v1/reports/utilisation?from=\(TestAPI.at(11))&to=\(TestAPI.at(24))")
            #expect(late.items[2]["bookedHours"] as? Double == 2)
            #expect(late.items[2]["usedHours"] as? Double == 1)
        }
    }

    @Test(
        "What is wrong with the question is named",
        arguments: [
            ("by=owner", "by"), ("format=pdf", "format"), ("limit=3", "limit"), ("from=x", "from"),
            ("from=2027-03-01T00:00:00Z&to=2027-03-01T00:00:00Z", "to"),
            ("from=2026-01-01T00:00:00Z&to=2027-03-01T00:00:00Z", "to"),
        ])
    func refusals(_ query: String, _ pointer: String) async throws {
        try await TestAPI.with { api in
            let answer = try await api.get("/v1/reports/utilisation?\(query)")
            #expect(answer.status == 400)
            #expect(answer.pointers == [pointer])
            #expect(try await api.get("/v1/reports/utilisation").items.isEmpty)
        }
    }
}
