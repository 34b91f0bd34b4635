import Foundation
import Testing

@testable import ICalendar

@Suite("Recurrence")
struct RecurrenceTests {
    private static let newYork = ZoneRules(TimeZone(identifier: "America/New_York") ?? .gmt)
    private static let london = ZoneRules(TimeZone(identifier: "Europe/London") ?? .gmt)

    private func time(_ text: String) throws -> CivilTime {
        try #require(CivilTime(basicText: text[...], isEndOfDay: false))
    }

    private func days(_ rule: String, from start: String, in zone: ZoneRules = newYork) throws
        -> [String]
    {
        try RecurrenceRule(rule).starts(from: time(start), in: zone, atMost: 400)
            .map { String($0.basicText.prefix(8)) }
    }

    @Test(
        "RFC 5545, section 3.8.5.3: its examples give the dates that it lists",
        arguments: [
            (
                "FREQ=DAILY;COUNT=10", "19970902",
                "19970902 19970903 19970904 19970905 19970906 19970907 19970908 19970909 19970910 19970911"
            ),
            (
                "FREQ=DAILY;INTERVAL=10;COUNT=5", "19970902",
                "19970902 19970912 19970922 19971002 19971012"
            ),
            (
                "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH", "19970902",
                "19970902 19970904 19970909 19970911 19970916 19970918 19970923 19970925 19970930 19971002"
            ),
            (
                "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH", "19970902",
                "19970902 19970904 19970916 19970918 19970930 19971002 19971014 19971016"
            ),
            (
                "FREQ=MONTHLY;COUNT=10;BYDAY=1FR", "19970905",
                "19970905 19971003 19971107 19971205 19980102 19980206 19980306 19980403 19980501 19980605"
            ),
            (
                "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU", "19970907",
                "19970907 19970928 19971102 19971130 19980104 19980125 19980301 19980329 19980503 19980531"
            ),
            (
                "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", "19970922",
                "19970922 19971020 19971117 19971222 19980119 19980216"
            ),
            (
                "FREQ=MONTHLY;COUNT=6;BYMONTHDAY=-3", "19970928",
                "19970928 19971029 19971128 19971229 19980129 19980226"
            ),
            (
                "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1", "19970930",
                "19970930 19971001 19971031 19971101 19971130 19971201 19971231 19980101 19980131 19980201"
            ),
            (
                "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15", "19970910",
                "19970910 19970911 19970912 19970913 19970914 19970915 19990310 19990311 19990312 19990313"
            ),
            (
                "FREQ=YEARLY;COUNT=10;BYMONTH=6,7", "19970610",
                "19970610 19970710 19980610 19980710 19990610 19990710 20000610 20000710 20010610 20010710"
            ),
            (
                "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200", "19970101",
                "19970101 19970410 19970719 20000101 20000409 20000718 20030101 20030410 20030719 20060101"
            ),
            ("FREQ=YEARLY;BYDAY=20MO;COUNT=3", "19970519", "19970519 19980518 19990517"),
            ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;COUNT=3", "19970512", "19970512 19980511 19990517"),
            ("FREQ=YEARLY;BYWEEKNO=20;COUNT=3", "19970512", "19970512 19980511 19990517"),
            ("FREQ=YEARLY;BYWEEKNO=53;COUNT=1", "20230101", "20270103"),
            (
                "FREQ=YEARLY;BYMONTH=3;BYDAY=TH;COUNT=5", "19970313",
                "19970313 19970320 19970327 19980305 19980312"
            ),
            (
                "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=5", "19970902",
                "19980213 19980313 19981113 19990813 20001013"
            ),
            (
                "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13;COUNT=4", "19970913",
                "19970913 19971011 19971108 19971213"
            ),
            (
                "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8;COUNT=3",
                "19961105", "19961105 20001107 20041102"
            ),
            (
                "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "19970904",
                "19970904 19971007 19971106"
            ),
            (
                "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2;COUNT=7", "19970929",
                "19970929 19971030 19971127 19971230 19980129 19980226 19980330"
            ),
            (
                "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "19970805",
                "19970805 19970810 19970819 19970824"
            ),
            (
                "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "19970805",
                "19970805 19970817 19970819 19970831"
            ),
            (
                "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "20070115",
                "20070115 20070130 20070215 20070315 20070330"
            ),
        ])
    func rfcExamples(_ rule: String, from start: String, gives dates: String) throws {
        #expect(
            try days(rule, from: start + "T090000") == dates.split(separator: " ").map(String.init))
    }

    @Test(
        "A local time that clocks skip is read with the offset before the gap, of two it is the first"
    )
    func daylightSaving() throws {
        let rule = try RecurrenceRule("FREQ=DAILY;COUNT=3")
        let spring = try Recurrence(rule).starts(
            from: Self.newYork.calendarInstant(of: time("20270313T023000")), in: Self.newYork,
            atMost: 9)
        #expect(
            spring.map { CivilTime(utc: $0).basicText } == [
                "20270313T073000", "20270314T073000", "20270315T063000",
            ])
        let autumn = try Recurrence(rule).starts(
            from: Self.newYork.calendarInstant(of: time("20271106T013000")), in: Self.newYork,
            atMost: 9)
        #expect(
            autumn.map { CivilTime(utc: $0).basicText } == [
                "20271106T053000", "20271107T053000", "20271108T063000",
            ])
    }

    @Test("The second of two equal local times can be a first start, and is kept")
    func secondOfTwo() throws {
        let first = try time("20271107T063000").utcInstant
        let starts = try Recurrence(RecurrenceRule("FREQ=WEEKLY;COUNT=2")).starts(
            from: first, in: Self.newYork, atMost: 9)
        #expect(
            starts.map { CivilTime(utc: $0).basicText } == ["20271107T063000", "20271114T063000"])
    }

    @Test("UNTIL is the last instant, local time or day that may be a start")
    func until() throws {
        for (end, count) in [
            ("20270303T090000Z", 3), ("20270303T085959Z", 2), ("20270303T090000", 3),
            ("20270303T085959", 2), ("20270303", 3),
        ] {
            let found = try days(
                "FREQ=DAILY;UNTIL=\(end)", from: "20270301T090000", in: Self.london)
            #expect(found.count == count, "\(end)")
        }
    }

    @Test("EXDATE leaves out, RDATE adds, each start is there once")
    func exceptions() throws {
        let first = try time("20270301T090000").utcInstant
        func day(_ number: Int) -> Date { first.addingTimeInterval(Double(number) * 86_400) }
        let recurrence = Recurrence(
            try RecurrenceRule("FREQ=DAILY;COUNT=3"), exclusions: [day(1), day(7)],
            additions: [day(2), day(5)])
        #expect(
            try recurrence.starts(from: first, in: Self.london, atMost: 9) == [
                day(0), day(2), day(5),
            ])
    }

    @Test(
        "What is wrong with a rule is named, with the remedy",
        arguments: [
            ("", "has “”"), ("COUNT=1", "no FREQ"),
            ("FREQ=HOURLY;COUNT=1", "FREQ=HOURLY: use DAILY"),
            ("FREQ=DAILY;COUNT=1;COUNT=2", "COUNT twice"), ("FREQ=DAILY;COUNT=0", "COUNT=0"),
            ("FREQ=DAILY;COUNT=-1", "COUNT=-1"),
            ("FREQ=DAILY;COUNT=1;UNTIL=20270101", "COUNT and UNTIL"),
            ("FREQ=DAILY;UNTIL=2027", "UNTIL=2027"), ("FREQ=DAILY;UNTIL=20270101Z", "UNTIL"),
            ("FREQ=DAILY;UNTIL=20270230", "UNTIL"), ("FREQ=DAILY;INTERVAL=0", "INTERVAL=0"),
            ("FREQ=DAILY;INTERVAL=99999999999999999999", "INTERVAL"),
            ("FREQ=DAILY;BYHOUR=9", "BYHOUR"),
            ("FREQ=DAILY;COLOUR=RED", "COLOUR"), ("FREQ=DAILY;BYDAY", "NAME=value"),
            ("FREQ=WEEKLY;BYDAY=1MO", "BYDAY with a number"), ("FREQ=WEEKLY;BYDAY=XX", "BYDAY=XX"),
            ("FREQ=MONTHLY;BYDAY=54MO", "BYDAY"), ("FREQ=MONTHLY;BYDAY=0MO", "BYDAY"),
            ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=1MO", "BYDAY with a number"),
            ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY"), ("FREQ=MONTHLY;BYYEARDAY=1", "BYYEARDAY"),
            ("FREQ=MONTHLY;BYWEEKNO=1", "BYWEEKNO"), ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY"),
            ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS alone"), ("FREQ=YEARLY;BYMONTH=13", "BYMONTH=13"),
            ("FREQ=YEARLY;BYMONTH=-1", "BYMONTH"), ("FREQ=WEEKLY;WKST=XX", "WKST=XX"),
        ])
    func faults(_ rule: String, says words: String) throws {
        let fault = try #require(throws: RecurrenceFault.self) { try RecurrenceRule(rule) }
        #expect(fault.description.contains(words), "\(fault.description)")
    }

    @Test(
        "Hostile rules are refused, or give nothing, after a look at each day of the table at most",
        arguments: [
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31",
            "FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1", "FREQ=DAILY;INTERVAL=1000000;BYMONTHDAY=31",
            "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6", "FREQ=WEEKLY;INTERVAL=1000000;BYMONTH=1",
        ])
    func never(_ rule: String) throws {
        let starts = try RecurrenceRule(rule).starts(
            from: time("20270301T090000"), in: Self.london, atMost: 366)
        #expect(starts.count <= 1)
    }

    @Test(
        "More occurrences than are taken are refused with the limit",
        arguments: [
            "FREQ=DAILY", "FREQ=DAILY;COUNT=367", "FREQ=DAILY;COUNT=1000000000",
            "FREQ=DAILY;UNTIL=21000101",
        ])
    func tooMany(_ rule: String) throws {
        let fault = try #require(throws: RecurrenceFault.self) {
            try RecurrenceRule(rule).starts(
                from: time("20270301T090000"), in: Self.london, atMost: 366)
        }
        #expect(fault.description.contains("more than 366"))
    }

    @Test("A rule without an end is expanded as far as it is looked at, and ends with the table")
    func endless() throws {
        let rule = try RecurrenceRule("FREQ=YEARLY")
        let start = try time("20270301T090000")
        let until = try time("20300301T090000").utcInstant
        #expect(try rule.starts(from: start, in: Self.london, until: until, atMost: 9).count == 3)
        #expect(try rule.starts(from: start, in: Self.london, atMost: 400).last?.year == 2199)
    }
}
