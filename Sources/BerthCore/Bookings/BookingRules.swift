import Foundation
import ICalendar

/// The rules that a booking must keep on each environment that it names, whoever else is there.
public enum BookingRules {
    /// Every broken rule of these environments. Pure; cost: the days of the booking where hours are
    /// restricted, else constant.
    public static func violations(
        of period: Range<Date>, on environments: [TestEnvironment], now: Date
    ) -> [Violation] {
        environments.flatMap { environment in
            [
                availability(period, environment), length(period, environment),
                lead(period, environment, now), horizon(period, environment, now),
                openingHours(period, environment),
            ].compactMap(\.self)
        }
    }

    private static func availability(
        _ period: Range<Date>, _ environment: TestEnvironment
    ) -> Violation? {
        let closed =
            switch environment.status {
            case .available, .degraded: false
            case .retired: true
            case .unavailable: environment.statusUntil.map { period.lowerBound < $0 } ?? true
            }
        guard closed else { return nil }
        let until = environment.statusUntil.map { " until \(RFC3339.string($0))" }
        let reason = environment.statusReason.map { " (\($0))" }
        return Violation(
            environment: environment.key, rule: "status", limit: "available",
            value: environment.status.rawValue + (until ?? "") + (reason ?? ""),
            detail:
                "\(environment.key) is \(environment.status.rawValue)\(until ?? "")\(reason ?? "")")
    }

    private static func length(
        _ period: Range<Date>, _ environment: TestEnvironment
    ) -> Violation? {
        guard let most = environment.policy.maxHours else { return nil }
        let seconds = period.upperBound.timeIntervalSince(period.lowerBound)
        guard seconds > Double(most) * 3600 else { return nil }
        let hours = (seconds / 360).rounded(.up) / 10
        return Violation(
            environment: environment.key, rule: "maxHours", limit: "\(most)", value: "\(hours)",
            detail:
                "\(environment.key) is booked for at most \(most.of("hour")), and this is \(hours)")
    }

    private static func lead(
        _ period: Range<Date>, _ environment: TestEnvironment, _ now: Date
    ) -> Violation? {
        guard let least = environment.policy.minLeadMinutes else { return nil }
        let minutes = period.lowerBound.timeIntervalSince(now) / 60
        guard minutes < Double(least) else { return nil }
        return Violation(
            environment: environment.key, rule: "minLeadMinutes", limit: "\(least)",
            value: "\(Int(minutes.rounded(.down)))",
            detail:
                "\(environment.key) is booked at least \(least.of("minute")) ahead, and this begins in "
                + "\(Int(minutes.rounded(.down)))")
    }

    private static func horizon(
        _ period: Range<Date>, _ environment: TestEnvironment, _ now: Date
    ) -> Violation? {
        guard let most = environment.policy.horizonDays else { return nil }
        let days = period.lowerBound.timeIntervalSince(now) / 86_400
        guard days > Double(most) else { return nil }
        return Violation(
            environment: environment.key, rule: "horizonDays", limit: "\(most)",
            value: "\(Int(days.rounded(.up)))",
            detail:
                "\(environment.key) is booked at most \(most.of("day")) ahead, and this begins in "
                + "\(Int(days.rounded(.up)))")
    }

    private static func openingHours(
        _ period: Range<Date>, _ environment: TestEnvironment
    ) -> Violation? {
        guard let hours = environment.policy.openingHours, !hours.isEmpty,
            let zone = TimeZone(identifier: environment.timeZone),
            let closed = OpenHours(hours, in: zone).firstClosed(in: period)
        else { return nil }
        let open = hours.map { "\($0.days.joined(separator: ",")) \($0.from)-\($0.to)" }
            .joined(separator: "; ")
        let local = CivilTime(
            seconds: Int(closed.timeIntervalSince1970) + zone.secondsFromGMT(for: closed))
        return Violation(
            environment: environment.key, rule: "openingHours", limit: open,
            value: "closed at \(RFC3339.string(closed))",
            detail:
                "\(environment.key) is closed at \(String(local.description.prefix(16))) (\(environment.timeZone)); "
                + "it is open \(open)")
    }
}
