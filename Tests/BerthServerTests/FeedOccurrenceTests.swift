import BerthCore
import BerthTestSupport
import Foundation
import Testing

/// What real calendar clients make of our feeds. They come from PyPI, once a machine, into a folder of their own;
/// where there is no network these tests say so and skip.
@Suite(
    "Calendar feeds in real clients", .gated,
    .enabled("no PyPI here") { await CalendarClients.areThere }
)
struct FeedOccurrenceTests {
    /// Series in five zones, over three years, some of them with what clocks make difficult.
    private static let series: [(zone: String, start: String, rule: String)] = [
        ("Europe/London", "2027-03-01T01:30:00Z", "FREQ=WEEKLY;COUNT=150"),
        ("America/New_York", "2027-03-02T07:30:00Z", "FREQ=DAILY;COUNT=300"),
        ("Asia/Kolkata", "2027-03-03T10:00:00Z", "FREQ=WEEKLY;BYDAY=WE,FR;UNTIL=20290301"),
        ("Australia/Lord_Howe", "2027-03-04T15:00:00Z", "FREQ=MONTHLY;BYDAY=1FR,-1FR;COUNT=60"),
        ("UTC", "2027-03-05T22:00:00Z", "FREQ=MONTHLY;BYMONTHDAY=5;COUNT=36"),
        ("Africa/Casablanca", "2027-03-06T09:00:00Z", "FREQ=WEEKLY;INTERVAL=2;COUNT=70"),
        ("America/Santiago", "2027-03-06T12:00:00Z", "FREQ=WEEKLY;INTERVAL=4;COUNT=37"),
        ("Asia/Gaza", "2027-03-06T09:00:00Z", "FREQ=WEEKLY;INTERVAL=4;COUNT=37"),
        ("Europe/Paris", "2027-03-06T09:00:00Z", "FREQ=WEEKLY;INTERVAL=4;COUNT=37"),
    ]

    @Test(
        "icalendar, recurring-ical-events, and Thunderbird where it can be had, find the very bookings that Berth holds"
    )
    func occurrences() async throws {
        try await TestAPI.with { api in
            for (index, series) in Self.series.enumerated() {
                try await api.database.environment("uat-\(index)")
                let start = try RFC3339.date(series.start)
                let made = try await api.post(
                    "/v1/bookings",
                    """
                    {"environments":["uat-\(index)"],"startsAt":"\(series.start)",\
                    "endsAt":"\(RFC3339.string(start.addingTimeInterval(5_400)))",\
                    "team":"crm","title":"Nightly; with, \\"text\\" \\\\ 日本","timeZone":"\(series.zone)",\
                    "recurrence":{"rrule":"\(series.rule)"}}
                    """, as: "ada")
                #expect(made.status == 201, "\(made.text)")
                let all = try await bookings(api, "uat-\(index)")
                try await api.move(all[3].reference, "cancel", as: "ada")
                _ = try await api.edit(
                    all[5].reference,
                    #"{"endsAt":"\#(RFC3339.string(all[5].start.addingTimeInterval(9_000)))"}"#,
                    as: "ada")
                _ = try await api.edit(all[7].reference, #"{"title":"Another"}"#, as: "ada")
            }
            for index in Self.series.indices {
                let feed = try await api.get("/calendars/environments/uat-\(index).ics", as: "vera")
                let read = try await CalendarClients.python(
                    """
                    import icalendar, recurring_ical_events, sys, datetime
                    calendar = icalendar.Calendar.from_ical(sys.stdin.buffer.read())
                    assert not any(c.errors for c in calendar.walk()), "errors"
                    utc = datetime.timezone.utc
                    for e in recurring_ical_events.of(calendar).between((2027, 1, 1), (2031, 1, 1)):
                        if e["STATUS"] == "CANCELLED": continue
                        print(e["DTSTART"].dt.astimezone(utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
                              e["DTEND"].dt.astimezone(utc).strftime("%Y-%m-%dT%H:%M:%SZ"), e["SUMMARY"])
                    """, feed.text)
                let held = try await bookings(api, "uat-\(index)").filter(\.isLive).map {
                    "\(RFC3339.string($0.start)) \(RFC3339.string($0.end)) uat-\(index): \($0.title)"
                }
                let found = read.split(separator: "\n").map(String.init).sorted()
                #expect(found.difference(from: held.sorted()).isEmpty, "\(Self.series[index])")
                guard await Thunderbird.isThere else { continue }
                let shown = try await Thunderbird.occurrences(in: feed.text)
                #expect(shown.difference(from: held.sorted()).isEmpty, "\(Self.series[index])")
            }
        }
    }

    @Test("A window lasts as long on the nights when clocks are changed as on the others")
    func windows() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1")
            let made = try await api.post(
                "/v1/change-windows",
                """
                {"kind":"maintenance","environments":["uat-1"],"title":"Night","timeZone":"Europe/London",\
                "startsAt":"2027-03-07T00:30:00Z","endsAt":"2027-03-07T06:30:00Z",\
                "recurrence":{"rrule":"FREQ=WEEKLY;COUNT=40"}}
                """, as: "ada")
            #expect(made.status == 201, "\(made.text)")
            let feed = try await api.get("/calendars/environments/uat-1.ics", as: "vera")
            let read = try await CalendarClients.python(
                """
                import icalendar, recurring_ical_events, sys, datetime
                calendar = icalendar.Calendar.from_ical(sys.stdin.buffer.read())
                utc = datetime.timezone.utc
                for e in recurring_ical_events.of(calendar).between((2027, 1, 1), (2028, 1, 1)):
                    lasts = e["DTEND"].dt.astimezone(utc) - e["DTSTART"].dt.astimezone(utc)
                    print(e["DTSTART"].dt.astimezone(utc).strftime("%Y-%m-%dT%H:%M:%SZ"), lasts)
                """, feed.text)
            let lines = read.split(separator: "\n")
            #expect(lines.count == 40 && lines.allSatisfy { $0.hasSuffix(" 6:00:00") }, "\(read)")
            #expect(lines.contains("2027-03-28T00:30:00Z 6:00:00"))
            #expect(lines.contains("2027-10-30T23:30:00Z 6:00:00"))
        }
    }

    private func bookings(
        _ api: TestAPI, _ environment: String
    ) async throws -> [(reference: String, start: Date, end: Date, title: String, isLive: Bool)] {
        var found: [(reference: String, start: Date, end: Date, title: String, isLive: Bool)] = []
        var uri: String? = "/v1/bookings?environment=\(environment)&limit=200"
        while let next = uri {
            let page = try await api.get(next)
            for item in page.items {
                let start = try RFC3339.date(try #require(item["startsAt"] as? String))
                let end = try RFC3339.date(try #require(item["endsAt"] as? String))
                let title = "\(item["title"] as? String ?? "") (\(item["team"] as? String ?? ""))"
                found.append(
                    (
                        try #require(item["reference"] as? String), start, end, title,
                        item["state"] as? String != "cancelled"
                    ))
            }
            uri = (page.json["nextCursor"] as? String).map {
                "/v1/bookings?environment=\(environment)&limit=200&cursor=\($0)"
            }
        }
        return found.sorted { $0.start < $1.start }
    }
}
