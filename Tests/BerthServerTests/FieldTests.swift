import BerthCore
import Foundation
import NIOCore
import Testing

@testable import BerthServer

@Suite("Reading what is sent")
struct FieldTests {
    private let now = Date(timeIntervalSince1970: 1_803_891_600)
    private let caller = Caller(tokenID: 2, name: "tess", role: .booker, team: "crm", labels: [:])

    private func object(_ text: String) throws -> JSONObject {
        guard case .object(let object) = try JSONParser.parse(ByteBuffer(string: text)).value else {
            throw JSONFault(reason: "no object", line: 1, column: 1)
        }
        return object
    }

    private func draft(_ text: String, team: String? = "crm") throws -> BookingDraft {
        var caller = caller
        caller.team = team
        return try BookingDraft(posted: object(text), by: caller, now: now)
    }

    private func faults(_ text: String, team: String? = "crm") throws -> [String: String] {
        do {
            _ = try draft(text, team: team)
            return [:]
        } catch BerthError.invalid(let faults) {
            return Dictionary(faults.map { ($0.pointer, $0.detail) }) { first, _ in first }
        }
    }

    @Test("What may be left out gets its default: now, exclusively, for the token's team")
    func defaults() throws {
        let draft = try draft(#"{"environments":["uat-1"],"title":"Smoke","minutes":90}"#)
        var expected = BookingDraft(
            environments: ["uat-1"], startsAt: now, endsAt: now.addingTimeInterval(5400),
            title: "Smoke", team: "crm")
        expected.options.startsNow = true
        #expect(draft == expected)
    }

    @Test("All faults of a body are told at once, each with its pointer")
    func allAtOnce() throws {
        let found = try faults(
            """
            {"environments":["uat-1","UAT 2",3],"startsAt":"tomorrow","endsAt":5,"title":" ",
             "mode":"solo","priority":null,"labels":{"tier":"x","a":1},"timeZone":"EST","notes":7,
             "colour":"red","leaseSeconds":0,"ticket":"a\\nb","team":"a/b"}
            """)
        #expect(
            Set(found.keys) == [
                "/environments/1", "/environments/2", "/startsAt", "/endsAt", "/title", "/mode",
                "/labels/tier", "/labels/a", "/timeZone", "/notes", "/colour", "/leaseSeconds",
                "/ticket", "/team",
            ])
        #expect(found["/mode"] == "must be one of exclusive, shared")
        #expect(found["/endsAt"] == "must be a time, and is a number")
        #expect(found["/leaseSeconds"] == "must be a whole number from 1 to 86400")
        #expect(found["/colour"] == "is not a field that Berth knows")
    }

    @Test(
        "A period that is empty, reversed, unbounded or unclear is refused",
        arguments: [
            (#""endsAt":"2027-03-01T09:00:00Z""#, "/endsAt"),
            (#""endsAt":"2027-03-01T08:00:00Z""#, "/endsAt"),
            (#""endsAt":"2028-03-02T09:00:01Z""#, "/endsAt"),
            (#""endsAt":"2027-03-01T10:00:00""#, "/endsAt"),
            (#""endsAt":null"#, "/endsAt"),
            (#""endsAt":"2027-02-29T10:00:00Z""#, "/endsAt"),
            (#""startsAt":"0001-01-01T00:00:00+01:00","minutes":5"#, "/startsAt"),
            (#""startsAt":"9999-12-31T23:59:59Z","minutes":5"#, "/minutes"),
            (#""minutes":0"#, "/minutes"), (#""minutes":527041"#, "/minutes"),
            (#""minutes":1.5"#, "/minutes"), (#""minutes":1e2"#, "/minutes"),
            (#""minutes":99999999999999999999"#, "/minutes"),
            (#""minutes":5,"endsAt":"2027-03-01T10:00:00Z""#, "/minutes"),
            (#""ticket":"CHG1""#, "/endsAt"),
        ])
    func periods(members: String, pointer: String) throws {
        let found = try faults(#"{"environments":["uat-1"],"title":"Smoke",\#(members)}"#)
        #expect(Array(found.keys) == [pointer])
    }

    @Test("Limits hold to the character")
    func limits() throws {
        func faults(_ member: String, _ value: String) throws -> [String] {
            try Array(
                self.faults(
                    #"{"environments":["uat-1"],"title":"x","minutes":5,\#(member):\#(value)}"#
                ).keys)
        }
        func text(_ count: Int) -> String { "\"" + String(repeating: "é", count: count) + "\"" }
        #expect(try faults("\"ticket\"", text(200)) == [])
        #expect(try faults("\"ticket\"", text(201)) == ["/ticket"])
        #expect(try faults("\"notes\"", text(10_000)) == [])
        #expect(try faults("\"notes\"", text(10_001)) == ["/notes"])
        #expect(try faults("\"notes\"", #""a\nb""#) == [])
        #expect(try faults("\"notes\"", #""a\u0000b""#) == ["/notes"])
        #expect(try faults("\"labels\"", "{\(text(63)):\(text(255))}") == [])
        #expect(try faults("\"labels\"", "{\"a\":\(text(256))}") == ["/labels/a"])
        #expect(try faults("\"labels\"", "{\(text(64)):\"\"}").count == 1)
        let labels = (0...50).map { "\"k\($0)\":\"\"" }.joined(separator: ",")
        #expect(try faults("\"labels\"", "{\(labels)}") == ["/labels"])
        let keys = (0...20).map { "\"e\($0)\"" }.joined(separator: ",")
        #expect(
            try self.faults(#"{"environments":[\#(keys)],"title":"x","minutes":5}"#).keys.sorted()
                == ["/environments"])
        #expect(
            try self.faults(#"{"environments":[],"title":"x","minutes":5}"#).keys.sorted()
                == ["/environments"])
        #expect(
            try self.faults(#"{"environments":["a","a"],"title":"x","minutes":5}"#).keys.sorted()
                == ["/environments"])
    }

    @Test("A token without a team must name one")
    func team() throws {
        let body = #"{"environments":["uat-1"],"title":"x","minutes":5}"#
        #expect(try faults(body, team: nil).keys.sorted() == ["/team"])
    }

    @Test("An environment's rules, parts and hours are read, and their faults told by place")
    func environment() throws {
        let draft = try EnvironmentDraft(
            posted: object(
                """
                {"key":"uat-1","tier":"uat","labels":{"region":"emea"},
                 "parts":[{"key":"stub","usage":"shared"}],
                 "policy":{"maxHours":72,"approval":"manager",
                           "openingHours":[{"days":["MO","FR"],"from":"08:00","to":"24:00"}]}}
                """))
        #expect(draft.parts == [.init(key: "stub", usage: .shared)])
        #expect(draft.policy.maxHours == 72)
        #expect(
            draft.policy.openingHours == [.init(days: ["MO", "FR"], from: "08:00", to: "24:00")])

        let error = #expect(throws: BerthError.self) {
            try EnvironmentDraft(
                posted: object(
                    """
                    {"key":"uat-1","status":"retired","capacity":0,
                     "parts":[{"key":"uat-1","usage":"some","x":1},{"key":"b"}],
                     "policy":{"maxHours":"3","y":1,
                               "openingHours":[{"days":["MO","XX"],"from":"9:00","to":"24:01"},
                                               {"days":["MO"],"from":"09:00","to":"09:00"}]}}
                    """))
        }
        guard case .invalid(let faults) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(
            Set(faults.map(\.pointer)) == [
                "/status", "/capacity", "/parts/0/usage", "/parts/0/x", "/parts/1/usage",
                "/policy/maxHours", "/policy/y", "/policy/openingHours/0/days/1",
                "/policy/openingHours/0/from", "/policy/openingHours/0/to",
                "/policy/openingHours/1/to",
            ])
    }

    @Test("A merge patch merges labels and rules, and null takes away")
    func patch() throws {
        var policy = Policy()
        policy.maxHours = 72
        policy.setupMinutes = 30
        let draft = EnvironmentDraft(
            key: "uat-1", tier: "uat", ownerTeam: "crm", labels: ["a": "1", "b": "2"],
            policy: policy)
        let environment = TestEnvironment(
            id: 1, key: draft.key, name: draft.name, tier: draft.tier, ownerTeam: draft.ownerTeam,
            timeZone: draft.timeZone, labels: draft.labels, capacity: nil, status: .available,
            statusReason: nil, statusUntil: nil, parts: [], policy: policy, runbook: "", version: 3)
        let patched = try EnvironmentDraft(
            patching: environment,
            with: object(
                """
                {"key":"uat-1","version":3,"ownerTeam":null,"tier":null,"labels":{"a":null,"c":"3"},
                 "policy":{"maxHours":null,"horizonDays":90}}
                """))
        #expect(patched.ownerTeam == nil)
        #expect(patched.tier == "test")
        #expect(patched.labels == ["b": "2", "c": "3"])
        #expect(patched.policy.maxHours == nil)
        #expect(patched.policy.setupMinutes == 30)
        #expect(patched.policy.horizonDays == 90)
        #expect(
            throws: BerthError.invalid(
                "/version", "cannot be changed: send it as it is, or leave it out")
        ) {
            try EnvironmentDraft(patching: environment, with: object(#"{"version":4}"#))
        }
        let retired = try EnvironmentDraft(
            patching: environment, with: object(#"{"status":"retired"}"#))
        #expect(retired.status == .retired)
    }
}
