import BerthCore
import Foundation
import Testing

@testable import BerthServer

@Suite("Reading queries and headers")
struct RequestTests {
    private func faults(_ body: () throws -> Void) -> [FieldFault] {
        do {
            try body()
            return []
        } catch BerthError.invalid(let faults) {
            return faults
        } catch {
            Issue.record(error)
            return []
        }
    }

    @Test("A space where + stood in a time is read as +")
    func plus() throws {
        for text in ["2027-03-01T09:00:00+01:00", "2027-03-01T09:00:00%2B01:00"] {
            var query = Query("from=\(text)")
            #expect(
                query.read("from", .instant)
                    == (try RFC3339.date("2027-03-01T08:00:00Z")))
            try query.finish()
        }
    }

    @Test("All faults of a query are told at once, each by its parameter")
    func queryFaults() {
        var query = Query("limit=0&dryRun=yes&x=1&state=confirmed,gone&a=1&a=2&b=%FF&labels=k")
        _ = query.whole("limit", 1...200)
        _ = query.flag("dryRun")
        _ = query.choices("state", Booking.State.allCases)
        _ = query.selector("labels")
        let found = faults { try query.finish() }
        #expect(
            Set(found.map(\.pointer)) == ["limit", "dryRun", "x", "state", "a", "b", "labels"])
    }

    @Test("A selector's values may have colons, its keys are once each")
    func selector() throws {
        var query = Query("labels=tier:uat,url:http%3A//x")
        #expect(query.selector("labels") == ["tier": "uat", "url": "http://x"])
        try query.finish()
        var twice = Query("labels=a:1,a:2")
        _ = twice.selector("labels")
        #expect(twice.faults.map(\.pointer) == ["labels"])
    }

    @Test("The link to the next page keeps the filters and cannot leave its brackets")
    func link() {
        let query = Query("q=a%3E%22b+c&cursor=old&limit=2")
        #expect(query.encoded(cursor: "new") == "q=a%3E%22b%20c&limit=2&cursor=new")
    }

    @Test(
        "A cursor leads back to its place, and any other text nowhere",
        arguments: ["42", "uat-1"])
    func cursor(position: String) {
        let cursor = Cursor.encoded(position, of: "bookings")
        #expect(Cursor.decoded(cursor, of: "bookings") == position)
        #expect(Cursor.decoded(cursor, of: "teams") == nil)
        #expect(Cursor.decoded(cursor + "A", of: "bookings") == nil)
        #expect(
            Cursor.decoded("A" + cursor.dropFirst(), of: "bookings") == nil || cursor.hasPrefix("A")
        )
        #expect(Cursor.decoded("not a cursor", of: "bookings") == nil)
        #expect(cursor.utf8.allSatisfy { $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: "+") })
    }

    @Test("If-Match takes strong tags, lists and the star")
    func ifMatch() {
        #expect(EntityTags("\"3\"")?.versions == [3])
        #expect(EntityTags(" \"3\" , \"4\" ")?.versions == [3, 4])
        // A comma inside a tag is part of it.
        #expect(EntityTags("\"a,3\", \"4\"")?.versions == [4])
        #expect(EntityTags("\"a,3\"")?.includes("a,3") == true)
        #expect(EntityTags(", \"3\",, \"4\",")?.versions == [3, 4])
        for text in ["\"3\" \"4\"", "3", "\"3", "", ","] { #expect(EntityTags(text) == nil) }
        #expect(EntityTags("W/\"3\"")?.versions == [])
        #expect(EntityTags("\"03\"")?.versions == [])
        #expect(EntityTags("\"abc\"")?.versions == [])
        #expect(EntityTags("*") == .any)
        for malformed in ["3", "", "\"3", "w/\"3\"", "\"3\" \"4\"", "*,\"3\""] {
            #expect(EntityTags(malformed) == nil, "\(malformed)")
        }
    }

    @Test("If-None-Match compares weakly")
    func ifNoneMatch() {
        #expect(EntityTags("W/\"3\", \"x\"")?.includes(version: 3) == true)
        #expect(EntityTags("\"4\"")?.includes(version: 3) == false)
        #expect(EntityTags("*")?.includes(version: 3) == true)
    }

    @Test("A bearer token is read whatever the case of its scheme, and nothing else is one")
    func bearer() {
        #expect(BearerToken("Bearer abc")?.secret == "abc")
        #expect(BearerToken("bEARER   abc ")?.secret == "abc")
        for other in [
            "Basic abc", "Bearer", "Bearer ", "Bearerabc", "Bearer a b", "abc", "Bearer é",
        ] {
            #expect(BearerToken(other) == nil, "\(other)")
        }
    }

    @Test(
        "Only IANA names are time zones",
        arguments: [
            ("Europe/Berlin", true), ("UTC", true), ("America/Argentina/Buenos_Aires", true),
            ("EST", false), ("GMT+3", false), ("CET", false), ("Europe/Atlantis", false),
            ("europe/berlin", false), ("", false), ("../etc/passwd", false), ("/", false),
        ])
    func zones(name: String, isZone: Bool) {
        #expect(ZoneName.contains(name) == isZone)
    }

    @Test("Percent-encoding is undone, and refused where it is malformed")
    func percent() {
        #expect(PercentCoding.decoded("a%2Fb+c") == "a/b+c")
        #expect(PercentCoding.decoded("a+b", plusIsSpace: true) == "a b")
        for malformed in ["%", "%2", "%zz", "%C3"] {
            #expect(PercentCoding.decoded(malformed) == nil, "\(malformed)")
        }
    }
}
