import Foundation
import ICalendar
import Testing

@testable import BerthCore

struct TimeTextTests {
    static func local(
        _ year: Int, _ month: Int, _ day: Int, _ hour: Int = 0, _ minute: Int = 0, _ second: Int = 0
    ) throws -> TimeText {
        .local(
            try CivilTime(
                year: year, month: month, day: day, hour: hour, minute: minute, second: second))
    }

    @Test("ISO local times are read with and without seconds, and a date alone is midnight")
    func isoLocal() throws {
        #expect(try TimeText("2027-03-01 09:00") == Self.local(2027, 3, 1, 9))
        #expect(try TimeText("2027-03-01T09:00:07") == Self.local(2027, 3, 1, 9, 0, 7))
        #expect(try TimeText("2027-03-01") == Self.local(2027, 3, 1))
    }

    @Test(
        "RFC 3339 times are instants",
        arguments: [
            "2027-03-01T09:00:00+01:00", "2027-03-01 08:00Z", "2027-03-01t08:00:00z",
            "2027-03-01T03:00:00-0500", "2027-03-01 13:30 +05:30",
            "2027-03-01T08:00:00.999Z", "2027-03-01 08:00:00,5Z",
        ])
    func offsets(_ text: String) throws {
        #expect(try TimeText(text) == .instant(Date(timeIntervalSince1970: 1_803_888_000)))
    }

    @Test("what is no time, or not exactly one, is refused with the remedy")
    func refused() {
        let cases = [
            ("19/03/27", "--date-format 'dd/MM/yy'"),
            (
                "01/06/27",
                "ambiguous: day/month order is not known; pass --date-format 'dd/MM/yy' or"
            ),
            ("03.04.27 14:00", "'dd.MM.yy HH:mm'"), ("03.13.2027", "is not a time"),
            ("3/4/2027 2:30 PM", "'d/M/yyyy h:mm a' or 'M/d/yyyy h:mm a'"),
            ("2027-03-01T09:00:00.Z", "is not a time"),
            ("2027-03-01T09:00:00+24:00", "offset"), ("2027-02-29 09:00", "no day 29"),
            ("2027-03-01 24:00", "00:00 of the next day"), ("2027-03-01 09:00:60", "leap"),
            ("1066-10-14", "outside the years"), ("tomorrow", "is not a time"),
            ("2027-3-1", "is not a time"), ("2027-03-01 09:00 GMT", "is not a time"),
            ("", "not a time"),
        ]
        for (text, remedy) in cases {
            let error = #expect(throws: TimeTextError.self, "\(text)") { try TimeText(text) }
            #expect(error?.description.contains(remedy) == true, "\(text): \(error as Any)")
        }
    }

    @Test("between dots the day comes first")
    func dotted() throws {
        #expect(try TimeText("03.04.2027 14:00") == Self.local(2027, 4, 3, 14))
        #expect(try TimeText("3.4.2027") == Self.local(2027, 4, 3))
    }

    @Test("a date format reads what it says, and ISO times are still read")
    func patterns() throws {
        let cases: [(String, String, TimeText)] = [
            ("dd/MM/yy", "19/03/27", try Self.local(2027, 3, 19)),
            ("MM/dd/yyyy HH:mm:ss", "03/04/2027 14:05:06", try Self.local(2027, 3, 4, 14, 5, 6)),
            ("d.M.yyyy H:mm", "3.4.2027 9:30", try Self.local(2027, 4, 3, 9, 30)),
            ("d.M.yyyy H:mm", "13.12.2027 19:30", try Self.local(2027, 12, 13, 19, 30)),
            ("M/d/yyyy h:mm a", "3/4/2027 12:30 am", try Self.local(2027, 3, 4, 0, 30)),
            ("M/d/yyyy h:mm a", "3/4/2027 12:30 PM", try Self.local(2027, 3, 4, 12, 30)),
            (
                "dd.MM.yyyy 'um' HH 'o''clock'", "03.04.2027 um 14 o'clock",
                try Self.local(2027, 4, 3, 14)
            ),
            ("yyyyMMdd", "20270403", try Self.local(2027, 4, 3)),
            ("dd/MM/yy", "2027-03-01 09:00", try Self.local(2027, 3, 1, 9)),
        ]
        for (pattern, text, expected) in cases {
            #expect(try TimeText(text, pattern: DatePattern(pattern)) == expected, "\(text)")
        }
        let dayFirst = try DatePattern("dd/MM/yy")
        for text in ["3/4/27", "03/04/2027", "03/04/27 09:00", "03-04-27", "03/13/27"] {
            #expect(throws: TimeTextError.self, "\(text)") { try TimeText(text, pattern: dayFirst) }
        }
    }

    @Test(
        "a date format that does not name one day and time is refused",
        arguments: [
            "", "dd/MM", "dd/MM/yyyy mm", "dd/MM/yyyy hh:mm", "dd/MM/yyyy HH:mm a", "dd/MM/YYYY",
            "dd/mm/yyyy", "dMyyyy", "yyyy-dd-MM", "dd/dd/MM/yyyy", "dd/MM/yyyy 'T", "ddd/MM/yyyy",
            "dd/MM/yyyy HH:ss", "dd/MM/yyyy H hh a",
        ])
    func badPatterns(_ pattern: String) {
        #expect(throws: DatePatternError.self) { try DatePattern(pattern) }
    }
}
