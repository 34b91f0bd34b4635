import Foundation
import Testing

@testable import BerthCore

struct EnvironmentSheetTests {
    static let header =
        "key,name,tier,owner,timeZone,capacity,labels,parts,status,runbook,"
        + "setupMinutes,teardownMinutes\n"

    static func read(_ data: Data) throws -> ReadSheet<EnvironmentRow> {
        try ReadSheet(Sheet(environments: data))
    }

    @Test("a full row is read, and an empty cell changes nothing")
    func rows() throws {
        let sheet = try Self.read(
            Data(
                (Self.header
                    + "uat-1,UAT 1,uat,ops,Europe/London,4,area:billing,\"stub; mf-t3=exclusive\","
                    + "Degraded,\"# Run\r\nbook\",30,0\n"
                    + "uat-2,,,,,unlimited,,,,,,\n").utf8))
        let first = try #require(sheet.rows.first)
        #expect(first.ownerTeam == "ops")
        #expect(first.timeZone == "Europe/London")
        #expect(first.capacity == .limited(4))
        #expect(first.labels == ["area": "billing"])
        #expect(first.parts.map(\.key) == ["stub", "mf-t3"])
        #expect(first.parts.map(\.usage) == [.same, .exclusive])
        #expect(first.status == .degraded)
        #expect(first.runbook == "# Run\nbook")
        #expect((first.setupMinutes, first.teardownMinutes) == (30, 0))
        let second = sheet.rows[1]
        #expect(second.capacity == .unlimited)
        #expect(second.name == nil)
        #expect(second.status == nil)
    }

    @Test("a row with faults names them all, and a key given twice is a duplicate")
    func faults() throws {
        let sheet = try Self.read(
            Data(
                (Self.header + "UAT 1,,,,CST,0,x,a=half,gone,,-1,99999\n"
                    + "uat-1,,,,,,,uat-1,,,,\n"
                    + "uat-2,,,,,,,,,,,\nuat-2,,,,,,,,,,,\n").utf8))
        let detail = try #require(sheet.rejects.first).detail
        for field in [
            "key", "timeZone", "capacity", "labels", "parts", "status", "setupMinutes",
            "teardownMinutes",
        ] {
            #expect(detail.contains("\(field): “"), "\(field) in \(detail)")
        }
        #expect(sheet.rejects.map(\.reason) == [.invalid, .invalid, .duplicate])
        #expect(sheet.rejects[2].detail.contains("line 4"))
        #expect(sheet.rows.map(\.key) == ["uat-2"])
    }

    @Test("A sheet's UTC stays UTC")
    func utc() throws {
        let sheet = try Self.read(Data("key,timeZone\nuat-1,UTC\n".utf8))
        #expect(sheet.rows.map(\.timeZone) == ["UTC"])
        let bookings = try BookingSheetTests.read(
            "environment,from,minutes,title,timeZone\nuat-1,2027-06-01 09:00,60,x,UTC\n")
        #expect(bookings.rows.map(\.timeZone) == ["UTC"])
    }
}
