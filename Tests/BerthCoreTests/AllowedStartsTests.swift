import Foundation
import Testing

@testable import BerthCore

@Suite("When bookings may start")
struct AllowedStartsTests {
    private func environment(_ policy: Policy, _ timeZone: String) -> TestEnvironment {
        TestEnvironment(
            id: 1, key: "uat-1", name: "uat-1", tier: "uat", ownerTeam: nil, timeZone: timeZone,
            labels: [:], capacity: nil, status: .available, statusReason: nil, statusUntil: nil,
            parts: [], policy: policy, runbook: "", version: 1)
    }

    /// Compares with the rules themselves, every five minutes.
    private func compare(
        _ policy: Policy, _ timeZone: String, from: String, days: Int, minutes: Int
    ) throws {
        let first = try RFC3339.date(from)
        let last = first.addingTimeInterval(Double(days) * 86_400)
        let now = first.addingTimeInterval(-1800.5)
        let length = Double(minutes) * 60
        let ranges = AllowedStarts.ranges(
            ofSeconds: length, under: policy, timeZone: timeZone, in: first...last, now: now)
        for start in stride(from: first, through: last, by: 300) {
            let broken = BookingRules.violations(
                of: start..<start.addingTimeInterval(length),
                on: [environment(policy, timeZone)], now: now)
            #expect(
                ranges.contains { $0.contains(start) } == broken.isEmpty,
                "\(RFC3339.string(start)) \(timeZone) \(minutes) min: \(broken)")
        }
    }

    @Test("They are exactly the starts that break no rule, summer time and midnight included")
    func sameAsRules() throws {
        var hours = Policy()
        hours.openingHours = [
            Policy.OpeningHours(days: ["MO", "TU", "SU"], from: "08:00", to: "12:00"),
            Policy.OpeningHours(days: ["MO", "SA", "SU"], from: "12:00", to: "24:00"),
            Policy.OpeningHours(days: ["MO"], from: "00:00", to: "06:30"),
        ]
        for minutes in [5, 240, 600] {
            try compare(
                hours, "Europe/Berlin", from: "2027-03-26T21:00:00Z", days: 5, minutes: minutes)
            try compare(
                hours, "Asia/Kathmandu", from: "2027-10-29T00:00:00Z", days: 4, minutes: minutes)
        }
        var bounds = Policy()
        bounds.minLeadMinutes = 125
        bounds.horizonDays = 1
        bounds.maxHours = 2
        try compare(bounds, "UTC", from: "2027-03-01T09:00:00Z", days: 3, minutes: 120)
        try compare(bounds, "UTC", from: "2027-03-01T09:00:00Z", days: 3, minutes: 125)
        try compare(Policy(), "UTC", from: "2027-03-01T09:00:00Z", days: 1, minutes: 60)
    }

    @Test("They are whole seconds, also where now is not")
    func wholeSeconds() throws {
        var policy = Policy()
        policy.minLeadMinutes = 1
        let now = Date(timeIntervalSince1970: 1_803_891_600.25)
        let span = Date(timeIntervalSince1970: 1_803_891_600)...now.addingTimeInterval(3600)
        let first = AllowedStarts.ranges(
            ofSeconds: 60, under: policy, timeZone: "UTC", in: span, now: now
        ).first?.lowerBound
        #expect(first == Date(timeIntervalSince1970: 1_803_891_661))
    }
}
