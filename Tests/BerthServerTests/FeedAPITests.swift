import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import HTTPTypes
import Logging
import Testing

@Suite("Calendar feeds over HTTP", .gated)
struct FeedAPITests {
    private func withAPI(
        _ body: @escaping @Sendable (TestAPI) async throws -> Void
    ) async throws {
        try await TestAPI.with { api in
            for key in ["uat-1", "uat-2"] {
                try await api.database.environment(key) {
                    $0.tier = "uat"
                    $0.ownerTeam = "crm"
                    $0.timeZone = "Europe/London"
                }
            }
            try await body(api)
        }
    }

    /// The lines of a feed, folds undone.
    private func lines(_ answer: TestAnswer) -> [String] {
        #expect(answer.status == 200, "\(answer.text)")
        return answer.text.replacing("\r\n ", with: "").components(separatedBy: "\r\n")
    }

    private func feed(
        _ api: TestAPI, _ path: String = "environments/uat-1.ics", as name: String? = "vera",
        headers: HTTPFields = [:]
    ) async throws -> TestAnswer {
        try await api.send(.get, "/calendars/\(path)", as: name, headers: headers)
    }

    @Test("The calendar of all has a name, as a file and in clients")
    func nameOfAll() async throws {
        try await TestAPI.with { api in
            let feed = try await api.get("/calendars/all.ics", as: "vera")
            #expect(feed.headers[.contentDisposition] == #"inline; filename="all.ics""#)
            #expect(feed.text.contains("X-WR-CALNAME:All environments\r\n"))
        }
    }

    @Test("A feed tells of a booking as people scan it, and links back to it")
    func booking() async throws {
        try await withAPI { api in
            let reference = try await api.book(
                TestAPI.booking("uat-1", from: 2, to: 4, #""ticket":"CRM-7","notes":"a, b; c""#))
            let answer = try await feed(api)
            let text = lines(answer)
            #expect(text.contains("SUMMARY:uat-1: Regression (crm)"))
            #expect(text.contains("LOCATION:uat-1"))
            #expect(text.contains("STATUS:CONFIRMED"))
            #expect(text.contains("URL:https://berth.test/v1/bookings/\(reference)"))
            #expect(
                text.contains(
                    #"DESCRIPTION:Team: crm\nBooked by: tess\nMode: exclusive\nTicket: CRM-7\na\, b\; c"#
                ))
            #expect(answer.headers[.contentType] == "text/calendar; charset=utf-8")
            #expect(answer.headers[.contentDisposition] == #"inline; filename="uat-1.ics""#)
            #expect(HTTPField.Name("Referrer-Policy").map { answer.headers[$0] } == "no-referrer")
            #expect(answer.headers[.contentEncoding] == nil)
            #expect(!answer.text.replacing("\r\n", with: "").contains("\n"))
            let head = try await api.send(.head, "/calendars/environments/uat-1.ics", as: "vera")
            #expect(head.status == 200 && head.text.isEmpty)
            #expect(head.headers[.eTag] == answer.headers[.eTag])
            for path in [
                "teams/crm.ics", "people/tess.ics", "bookings/\(reference).ics", "all.ics",
            ] {
                #expect(
                    lines(try await feed(api, path, as: "ada")).contains(
                        "SUMMARY:uat-1: Regression (crm)"))
            }
            for path in ["teams/mobile.ics", "people/bob.ics", "all.ics?labels=tier:perf"] {
                #expect(!lines(try await feed(api, path, as: "ada")).contains("BEGIN:VEVENT"))
            }
            #expect(try await feed(api, "environments/nowhere.ics").status == 404)
            #expect(try await feed(api, "bookings/BK-99.ics").status == 404)
        }
    }

    @Test("An unchanged feed is the same bytes and answers 304; any change makes another tag")
    func validators() async throws {
        try await withAPI { api in
            let reference = try await api.book(TestAPI.booking("uat-1", from: 2, to: 4))
            func tags() async throws -> [String?] {
                var tags: [String?] = []
                for path in [
                    "environments/uat-1.ics", "teams/crm.ics", "people/tess.ics", "all.ics",
                ] {
                    tags.append(try await feed(api, path, as: "ada").headers[.eTag])
                }
                return tags
            }
            let first = try await feed(api)
            let tag = try #require(first.headers[.eTag])
            let before = try await tags()
            try await Clockwork(api.database.berth, logger: Logger(label: "test")).foldFeedChanges()
            #expect(try await tags() == before)
            #expect(try await feed(api).text == first.text)
            let known = try await feed(api, headers: [.ifNoneMatch: tag])
            #expect(known.status == 304 && known.text.isEmpty && known.headers[.eTag] == tag)
            _ = try await api.edit(reference, #"{"title":"Another"}"#)
            let after = try await tags()
            #expect(zip(before, after).allSatisfy { $0 != $1 })
            #expect(try await feed(api, headers: [.ifNoneMatch: tag]).status == 200)
            // Another environment's feed has not changed, and a day later every feed has.
            let other = try #require(try await feed(api, "environments/uat-2.ics").headers[.eTag])
            try await api.move(reference, "cancel")
            #expect(
                try await feed(api, "environments/uat-2.ics", headers: [.ifNoneMatch: other]).status
                    == 304)
            api.clock.now = api.clock.now.addingTimeInterval(86_400)
            #expect(
                try await feed(api, "environments/uat-2.ics", headers: [.ifNoneMatch: other]).status
                    == 200)
        }
    }

    @Test("A time alone validates a feed, except within the second of its last change")
    func modified() async throws {
        try await withAPI { api in
            try await api.book(TestAPI.booking("uat-1", from: 2, to: 4))
            let modified = try #require(try await feed(api).headers[.lastModified])
            #expect(try await feed(api, headers: [.ifModifiedSince: modified]).status == 200)
            api.clock.now += 2
            let exact = try #require(try await feed(api).headers[.lastModified])
            #expect(try await feed(api, headers: [.ifModifiedSince: exact]).status == 304)
            #expect(
                try await feed(
                    api, headers: [.ifModifiedSince: "Thu, 01 Jan 2099 00:00:00 GMT"]
                ).status == 304)
            #expect(try await feed(api, headers: [.ifModifiedSince: "yesterday"]).status == 200)
        }
    }

    @Test("What was cancelled says so for 30 days, to Outlook too, and can be left out")
    func cancelled() async throws {
        try await withAPI { api in
            let reference = try await api.book(TestAPI.booking("uat-1", from: 200, to: 204))
            try await api.move(reference, "cancel")
            let text = lines(try await feed(api))
            #expect(text.contains("STATUS:CANCELLED") && text.contains("TRANSP:TRANSPARENT"))
            #expect(text.contains("SEQUENCE:1"))
            #expect(text.contains("SUMMARY:Cancelled: uat-1: Regression (crm)"))
            let omitted = try await feed(api, "environments/uat-1.ics?cancelled=omit")
            #expect(!lines(omitted).contains("BEGIN:VEVENT"))
            api.clock.now = api.clock.now.addingTimeInterval(31 * 86_400)
            #expect(!lines(try await feed(api)).contains("BEGIN:VEVENT"))
        }
    }

    @Test("A series is one event with a rule, its exceptions beside it")
    func series() async throws {
        try await withAPI { api in
            let made = try await api.post(
                "/v1/bookings",
                """
                {"environments":["uat-1"],"startsAt":"\(TestAPI.at(24))","endsAt":"\(TestAPI.at(26))",\
                "title":"Weekly","timeZone":"Europe/London","recurrence":{"rrule":"FREQ=WEEKLY;COUNT=5"}}
                """)
            #expect(made.status == 201, "\(made.text)")
            let plain = lines(try await feed(api))
            #expect(plain.count { $0 == "BEGIN:VEVENT" } == 1)
            #expect(plain.contains("RRULE:FREQ=WEEKLY;COUNT=5"))
            #expect(plain.contains("DTSTART;TZID=Europe/London:20270302T090000"))
            #expect(plain.contains("TZID:Europe/London"))
            let all = try await api.get("/v1/bookings?environment=uat-1").items
                .compactMap { $0["reference"] as? String }.sorted()
            try await api.move(all[1], "cancel")
            _ = try await api.edit(all[2], #"{"environments":["uat-2"]}"#)
            _ = try await api.edit(all[3], #"{"title":"Longer"}"#)
            let text = lines(try await feed(api))
            #expect(text.count { $0 == "BEGIN:VEVENT" } == 3)
            #expect(text.contains("EXDATE;TZID=Europe/London:20270316T090000"))
            #expect(text.contains("RECURRENCE-ID;TZID=Europe/London:20270309T090000"))
            #expect(text.contains("RECURRENCE-ID;TZID=Europe/London:20270323T090000"))
            #expect(Set(text.filter { $0.hasPrefix("UID:") }).count == 1)
            let omitted = lines(try await feed(api, "environments/uat-1.ics?cancelled=omit"))
            #expect(
                omitted.contains("EXDATE;TZID=Europe/London:20270309T090000,20270316T090000"))
            let elsewhere = lines(try await feed(api, "environments/uat-2.ics"))
            #expect(elsewhere.contains("SUMMARY:uat-2: Weekly (crm)"))
            #expect(elsewhere.contains { $0.hasPrefix("EXDATE") })
        }
    }

    @Test("Windows are shown where they hold, each kind by its category")
    func windows() async throws {
        try await withAPI { api in
            for (kind, place) in [
                ("freeze", #""labels":{"tier":"uat"}"#),
                ("maintenance", #""environments":["uat-1"]"#),
            ] {
                let made = try await api.post(
                    "/v1/change-windows",
                    """
                    {"kind":"\(kind)",\(place),"startsAt":"\(TestAPI.at(48))",\
                    "endsAt":"\(TestAPI.at(50))","title":"Month end"}
                    """, as: "ada")
                #expect(made.status == 201, "\(made.text)")
            }
            let text = lines(try await feed(api))
            #expect(text.contains("CATEGORIES:Freeze") && text.contains("CATEGORIES:Maintenance"))
            #expect(text.contains("SUMMARY:tier:uat: Freeze: Month end"))
            #expect(text.contains("SUMMARY:uat-1: Maintenance: Month end"))
            let other = try await feed(api, "environments/uat-2.ics")
            #expect(lines(other).count { $0 == "BEGIN:VEVENT" } == 1)
            // An environment that joins the freeze has it in its feed, and loses it again.
            let tag = try #require(other.headers[.eTag])
            let etag = try await api.get("/v1/environments/uat-2").headers[.eTag]
            let moved = try await api.patch(
                "/v1/environments/uat-2", #"{"tier":"perf"}"#, as: "ada", ifMatch: etag)
            #expect(moved.status == 200, "\(moved.text)")
            let left = try await feed(
                api, "environments/uat-2.ics", headers: [.ifNoneMatch: tag])
            #expect(!lines(left).contains("BEGIN:VEVENT"))
        }
    }

    @Test("Busy only shows that something is taken, and free/busy shows nothing else")
    func busy() async throws {
        try await withAPI { api in
            try await api.book(TestAPI.booking("uat-1", from: 2, to: 4, #""notes":"secret""#))
            let answer = try await feed(api, "environments/uat-1.ics?detail=busy")
            #expect(lines(answer).contains("SUMMARY:uat-1: Busy"))
            for hidden in ["Regression", "tess", "crm", "secret", "URL:"] {
                #expect(!answer.text.contains(hidden))
            }
            let free = lines(try await feed(api, "environments/uat-1.ifb"))
            #expect(free.contains("BEGIN:VFREEBUSY"))
            #expect(free.contains("FREEBUSY;FBTYPE=BUSY:20270301T110000Z/20270301T130000Z"))
            let wrong = try await feed(
                api, "environments/uat-1.ifb?from=\(TestAPI.at(2))&to=\(TestAPI.at(1))")
            #expect(wrong.status == 400)
        }
    }

    @Test("A part's feed shows the bookings of what contains it")
    func parts() async throws {
        try await withAPI { api in
            try await api.database.environment("crm-suite") {
                $0.parts = [TestEnvironment.Part(key: "uat-1", usage: .same)]
            }
            let before = try await feed(api).headers[.eTag]
            try await api.book(TestAPI.booking("crm-suite", from: 2, to: 4))
            let answer = try await feed(api)
            #expect(answer.headers[.eTag] != before)
            #expect(lines(answer).contains("SUMMARY:crm-suite: Regression (crm)"))
        }
    }

    @Test("A feed token opens its own feed and nothing else, until it is revoked")
    func tokens() async throws {
        try await withAPI { api in
            try await api.book(TestAPI.booking("uat-1", from: 2, to: 4))
            let made = try await api.post(
                "/v1/feed-tokens", #"{"environment":"uat-1","detail":"busy"}"#, as: "vera")
            #expect(made.status == 201, "\(made.text)")
            let url = try #require(made["url"])
            #expect(url.hasPrefix("https://berth.test/calendars/environments/uat-1.ics?token="))
            #expect(made["webcalUrl"] == "webcal" + url.dropFirst(5))
            let token = try #require(url.split(separator: "=").last)
            let path = String(url.dropFirst("https://berth.test/calendars/".count))
            let opened = try await feed(api, path, as: nil)
            #expect(lines(opened).contains("SUMMARY:uat-1: Busy"))
            // What a client sends along is not looked at.
            #expect(
                try await feed(
                    api, path, as: nil, headers: [.authorization: "Basic dGVzczpzZWNyZXQ="]
                ).status == 200)
            #expect(
                try await feed(api, "environments/uat-1.ifb?token=\(token)", as: nil).status == 200)
            var refusals: [TestAnswer] = []
            for path in [
                "environments/uat-2.ics?token=\(token)", "teams/crm.ics?token=\(token)",
                "all.ics?token=\(token)", "environments/uat-1.ics?token=\(token)x",
                "environments/uat-1.ics?token=feed_99_x", "environments/uat-1.ics?token=",
            ] {
                refusals.append(try await feed(api, path, as: nil))
            }
            #expect(try await api.send(.get, "/v1/bookings?token=\(token)", as: nil).status == 401)
            #expect(
                try await api.send(
                    .get, "/v1/bookings", as: nil, headers: [.authorization: "Bearer \(token)"]
                ).status == 401)
            let id = try #require(made.json["id"] as? Int)
            #expect(try await api.send(.delete, "/v1/feed-tokens/\(id)", as: "tess").status == 404)
            #expect(try await api.get("/v1/feed-tokens", as: "tess").items.isEmpty)
            #expect(try await api.get("/v1/feed-tokens", as: "vera").items.count == 1)
            #expect(!(try await api.get("/v1/feed-tokens", as: "ada").text.contains(token)))
            #expect(try await api.send(.delete, "/v1/feed-tokens/\(id)", as: "vera").status == 204)
            refusals.append(try await feed(api, path, as: nil))
            for refusal in refusals {
                #expect(refusal.status == 404 && refusal.text == refusals[0].text)
                #expect(!refusal.text.contains(token))
            }
            #expect(try await feed(api, as: nil).status == 401)
        }
    }

    @Test("Somebody's own feed is theirs to open, and dies with their last token")
    func personalTokens() async throws {
        try await withAPI { api in
            try await api.book(TestAPI.booking("uat-1", from: 2, to: 4))
            #expect(
                try await api.post("/v1/feed-tokens", #"{"person":"tess"}"#, as: "bob").status
                    == 403)
            let made = try await api.post("/v1/feed-tokens", #"{"person":"tess"}"#)
            let path = try #require(made["url"]).dropFirst("https://berth.test/calendars/".count)
            #expect(lines(try await feed(api, String(path), as: nil)).contains("STATUS:CONFIRMED"))
            let id = try #require(try await api.get("/v1/me").json["id"] as? Int)
            #expect(try await api.send(.delete, "/v1/tokens/\(id)", as: "ada").status == 200)
            #expect(try await feed(api, String(path), as: nil).status == 404)
        }
    }

    @Test(
        "A feed token is of one thing that is there",
        arguments: [
            (#"{}"#, "/environment"), (#"{"environment":"uat-1","team":"crm"}"#, "/team"),
            (#"{"environment":"nowhere"}"#, "/environment"), (#"{"team":"nobody"}"#, "/team"),
            (#"{"labels":{},"detail":"some"}"#, "/detail"),
        ])
    func refusedTokens(_ body: String, _ pointer: String) async throws {
        try await withAPI { api in
            let refused = try await api.post("/v1/feed-tokens", body, as: "vera")
            #expect(refused.status == 400 && refused.pointers == [pointer], "\(refused.text)")
        }
    }

    @Test("A repetition makes no second token and shows no secret")
    func repetition() async throws {
        try await withAPI { api in
            let first = try await api.post("/v1/feed-tokens", #"{"labels":{}}"#, key: "k")
            let again = try await api.post("/v1/feed-tokens", #"{"labels":{}}"#, key: "k")
            #expect(first["url"] != nil && again.status == 201 && again["url"] == nil)
            let tried = try await api.post("/v1/feed-tokens?dryRun=true", #"{"labels":{}}"#)
            #expect(tried.status == 200)
            #expect(try await api.get("/v1/feed-tokens").items.count == 1)
        }
    }
}
