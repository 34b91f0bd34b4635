import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import HTTPTypes
import Testing

@testable import BerthServer

@Suite("What is answered at first try", .gated)
struct FirstTryAPITests {
    @Test(
        "States given one by one are read as states between commas; what is asked once is refused twice"
    )
    func repeated() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            try await api.database.book(TestDatabase.draft("uat-1", from: -0.05, to: 1))
            try await api.database.book(TestDatabase.draft("uat-1", from: 2, to: 3))
            let off = try await api.database.book(TestDatabase.draft("uat-1", from: 4, to: 5))
            #expect(
                try await api.post("/v1/bookings/\(off.reference)/cancel", as: "ada").status == 200)
            for query in ["state=active,confirmed", "state=active&state=confirmed"] {
                #expect(try await api.get("/v1/bookings?\(query)").items.count == 2)
            }
            #expect(try await api.get("/v1/bookings?limit=1&limit=2").pointers == ["limit"])
        }
    }

    @Test("A name that is nearly one that there is is answered with that one")
    func nearest() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            let query = try await api.get("/v1/bookings?enviroment=uat-1")
            #expect(query["detail"]?.hasSuffix("is environment meant?") == true)
            let body =
                #"{"environments":["uat1"],"titel":"One","startsAt":"2027-03-02T09:00:00Z","minutes":60}"#
            let field = try await api.post("/v1/bookings", body)
            #expect(field.text.contains("is not a field that Berth knows: is title meant?"))
            let key = try await api.post(
                "/v1/bookings", body.replacing("titel", with: "title"))
            #expect(key.text.contains("there is no environment uat1: is uat-1 meant?"))
            #expect(
                try await api.get("/v1/environments/uat_1")["detail"]
                    == "there is no environment uat_1: is uat-1 meant?")
            #expect(
                try await api.get("/v1/environments/perf")["detail"]
                    == "there is no environment perf")
        }
    }

    @Test("Another spelling of a path is no other door")
    func spellings() async throws {
        try await TestAPI.with { api in
            for path in ["//v1/bookings", "/v1//bookings", "/v1/bookings/", "/v1/%62ookings"] {
                let status = try await api.get(path).status
                #expect(status == 404, "\(path)")
            }
        }
    }

    @Test("Who is not let in is told how, and what was wrong with the token (RFC 6750, section 3)")
    func challenge() async throws {
        try await TestAPI.with { api in
            func challenge(_ answer: TestAnswer) -> String? {
                answer.headers[.wwwAuthenticate]
            }
            let none = try await api.get("/v1/bookings", as: nil)
            #expect(challenge(none) == #"Bearer realm="Berth""#)
            let bad = try await api.send(
                .get, "/v1/bookings", as: nil, headers: [.authorization: "Bearer berth_1_x"])
            #expect(challenge(bad)?.contains(#"error="invalid_token""#) == true)
            let weak = try await api.post("/v1/environments", #"{"key":"x"}"#, as: "vera")
            #expect(weak.status == 403)
            #expect(challenge(weak)?.contains(#"error="insufficient_scope""#) == true)
            let hook = try await api.send(.post, "/v1/hooks/github", "{}", as: nil)
            #expect(hook.problem == "bad-signature" && challenge(hook) == nil)
        }
    }

    @Test("A body that is compressed is refused with 415, and not as bad JSON")
    func encoded() async throws {
        try await TestAPI.with { api in
            let answer = try await api.send(
                .post, "/v1/bookings", "{}", as: "bob", headers: [.contentEncoding: "gzip"])
            #expect(answer.status == 415 && answer.headers[.acceptEncoding] == "identity")
        }
    }

    @Test("Every problem of the contract has a page that explains it")
    func problems() async throws {
        try await TestAPI.with { api in
            let contract = try Contract.text()
            let names = contract.matches(of: #/- /problems/([a-z-]+)/#).map {
                $0.output.1
            }
            let explained = ProblemPage.meanings.compactMap(\.0.name)
            #expect(Set(names.map(String.init)) == Set(explained))
            for name in names {
                let page = try await api.get("/problems/\(name)", as: nil)
                #expect(page.status == 200 && page.text.contains("<code>/problems/\(name)</code>"))
            }
            #expect(try await api.get("/problems/none", as: nil).status == 404)
        }
    }

    @Test("A rule that is broken is told in a sentence")
    func rules() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") {
                $0.timeZone = "Europe/Zagreb"
                $0.policy.openingHours = [.init(days: ["MO", "TU"], from: "08:00", to: "18:00")]
            }
            let night = try await api.post(
                "/v1/bookings",
                #"{"environments":["uat-1"],"title":"One","startsAt":"2027-03-02T18:00:00Z","minutes":60}"#
            )
            #expect(
                night["detail"]
                    == "uat-1 is closed at 2027-03-02 19:00 (Europe/Zagreb); it is open MO,TU 08:00-18:00"
            )
        }
    }

    @Test("A disk that is full is 503 with a problem of its own, and the server is not ready")
    func fullDisk() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            #expect(try await api.get("/readyz", as: nil).status == 200)
            // As PostgreSQL says it: SQLSTATE 53100.
            try await api.database.client.query(
                """
                CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END $$
                """)
            try await api.database.client.query(
                "CREATE TRIGGER no_room BEFORE INSERT ON bookings EXECUTE FUNCTION no_room()")
            let full = try await api.post(
                "/v1/bookings",
                #"{"environments":["uat-1"],"title":"One","startsAt":"2027-03-02T09:00:00Z","minutes":60}"#
            )
            #expect(full.status == 503 && full.problem == "storage-full", "\(full.text)")
            #expect(full.headers[.retryAfter] == "60")
            #expect(try await api.get("/readyz", as: nil).problem == "storage-full")
            #expect(try await api.get("/v1/bookings").status == 200)
        }
    }

    @Test("An edit that changes nothing makes no version")
    func unchanged() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") { $0.ownerTeam = "crm" }
            let booking = try await api.database.book(TestDatabase.draft("uat-1", from: 2, to: 3))
            let window = try await api.post(
                "/v1/change-windows",
                #"{"kind":"change","environments":["uat-1"],"title":"One","startsAt":"2027-03-03T00:00:00Z","minutes":60}"#,
                as: "max")
            for path in [
                "/v1/bookings/\(booking.reference)", "/v1/environments/uat-1",
                window.headers[.location] ?? "",
            ] {
                let before = try await api.get(path, as: "max")
                let etag = try #require(before.headers[.eTag])
                for body in [before.text, "{}"] {
                    let same = try await api.patch(path, body, as: "max", ifMatch: etag)
                    #expect(same.status == 200, "\(same.text)")
                    #expect(same.headers[.eTag] == etag, "\(path)")
                }
            }
        }
    }

    @Test("Metrics tell changes, the line, environments by tier, and what runs")
    func gauges() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") { $0.tier = "uat" }
            try await api.database.environment("uat-2") { $0.tier = "uat" }
            try await api.database.environment("sit-1") {
                $0.tier = "sit"
                $0.status = .unavailable
            }
            try await api.database.book(TestDatabase.draft("uat-1", from: -0.05, to: 1))
            let waits = try await api.post(
                "/v1/bookings",
                #"{"environments":["uat-1"],"minutes":60,"title":"Line","onConflict":"waitlist"}"#)
            #expect(waits.status == 201, "\(waits.text)")
            let change = try await api.post(
                "/v1/changes",
                #"{"environment":"uat-2","kind":"deploy","summary":"1.0","actor":"ci","occurredAt":"2027-03-01T08:59:00Z"}"#
            )
            #expect(change.status == 201, "\(change.text)")
            api.clock.now += 60
            let text = try await api.get("/metrics", as: nil).text
            for line in [
                #"berth_changes_last_day{control="uncontrolled"} 1"#, "berth_waiting_bookings 1",
                "berth_longest_wait_seconds 60", #"berth_environments{tier="uat",state="used"} 1"#,
                #"berth_environments{tier="uat",state="free"} 1"#,
                #"berth_environments{tier="sit",state="unavailable"} 1"#,
                #"berth_build_info{revision="unknown",schema=""#,
            ] { #expect(text.contains(line), "\(line)") }
            #expect(!text.contains("tess"))
        }
    }

    @Test("A team is the same however its name is written")
    func teams() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            let booked = try await api.post(
                "/v1/bookings",
                #"{"environments":["uat-1"],"team":"CRM","title":"One","startsAt":"2027-03-02T09:00:00Z","minutes":60}"#,
                as: "ada")
            #expect(booked["team"] == "crm", "\(booked.text)")
            #expect(
                try await api.post("/v1/teams", #"{"name":"Crm"}"#, as: "ada").problem
                    == "already-exists")
            #expect(try await api.get("/v1/teams/CRM")["name"] == "crm")
            let series = try await api.post(
                "/v1/bookings",
                #"{"environments":["uat-1"],"team":"CRM","title":"Many","startsAt":"2027-04-02T09:00:00Z","minutes":60,"recurrence":{"rrule":"FREQ=DAILY;COUNT=2"}}"#
            )
            #expect(series["team"] == "crm", "\(series.text)")
            // Named at the same moment by many, a new team is made once.
            try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 1...8 {
                    group.addTask {
                        let team = number.isMultiple(of: 2) ? "Growth" : "growth"
                        return try await api.post(
                            "/v1/bookings",
                            #"{"environments":["uat-1"],"team":"\#(team)","title":"One","startsAt":"2027-03-1\#(number)T09:00:00Z","minutes":60}"#,
                            as: "ada"
                        ).status
                    }
                }
                for try await status in group { #expect(status == 201) }
            }
            let names = try await api.get("/v1/teams").items.compactMap { $0["name"] as? String }
            #expect(names.filter { $0.lowercased() == "growth" }.count == 1)
        }
    }
}
