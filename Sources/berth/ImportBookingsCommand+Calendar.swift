import ArgumentParser
import BerthCore
import BerthDatabase
import Foundation
import ICalendar

/// What is said once for all events of a calendar.
struct CalendarOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Of a calendar's events: an environment, in place of their LOCATION; may be repeated.",
            valueName: "key"))
    var environment: [String] = []
    @Option(help: "Of a calendar's events: the team, in place of the one in CATEGORIES.")
    var team: String?
    @Option(help: "Of a calendar's events: exclusive or shared.")
    var mode = Booking.Mode.exclusive
    @Option(
        help: ArgumentHelp(
            "The zone of days, and of times without a zone (default: the environments', if it is one).",
            valueName: "zone"))
    var timeZone: String?
}

/// How much is taken of what recurs without an end.
struct EndlessOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Of a calendar's series that have no end: until when they are taken (default: a year from now).",
            valueName: "time"))
    var until: String?

    /// The end. Throws for what is no time.
    func end(now: Date) throws -> Date {
        guard let until else { return now.addingTimeInterval(365 * 86_400) }
        do {
            return try TimeText(until).instant(in: .named("UTC"))
        } catch {
            throw ValidationError("--until: \(error)")
        }
    }

    /// Says that some were taken in part.
    static func mention(_ count: Int, until end: Date) {
        guard count > 0 else { return }
        FileHandle.standardError.say(
            "\(count) series \(count == 1 ? "has" : "have") no end: taken until \(RFC3339.string(end)) "
                + "(--until says another time; import again later for more).")
    }
}

extension Booking.Mode: ExpressibleByArgument {}

extension ImportBookingsCommand {
    func importCalendar(_ data: Data) async throws {
        let interruption = Interruption()
        let now = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down))
        let end = try endless.end(now: now)
        let (read, result, progress) = try await interruption.watch { [self] in
            try await database.withDatabase { database in
                let read = try BookingCalendar(
                    data, calendar, endless: now..<max(now, end),
                    names: try await database.knownNames())
                let progress = ImportProgress(total: read.series.reduce(0) { $0 + $1.rows.count })
                let result = try await CalendarImport(into: database, by: sheet.caller, now: now)
                    .run(
                        read.series, dryRun: sheet.dryRun,
                        ImportWatch(show: progress.show) { interruption.isAsked })
                return (read, result, progress)
            }
        }
        progress.finish()
        let rejects = read.rejects + result.rejects
        FileHandle.standardError.say(
            "\(result.booked) booked, \(result.recorded.count) past ones recorded, "
                + "\(result.changed) changed, \(result.cancelled) cancelled, "
                + "\(result.unchanged) there already, \(read.transparent) transparent ones skipped, "
                + "\(rejects.count) rejected"
                + (sheet.dryRun ? " (dry run: nothing was written)." : "."))
        EndlessOptions.mention(read.endless, until: end)
        for (reference, overlaps) in result.recorded where !overlaps.isEmpty {
            FileHandle.standardError.say(Self.history(reference, overlaps))
        }
        try sheet.finish(
            rejects, header: BookingCalendar.header, delimiter: .comma, interruption, progress)
    }
}

extension BookingCalendar {
    /// Reads a calendar as the options say.
    fileprivate init(
        _ data: Data, _ options: CalendarOptions, endless: Range<Date>, names: KnownNames
    ) throws {
        let zone = try Self.zone(options, names)
        let file = try CalendarFile(data, zone: (zone, .named(zone))) {
            ZoneName.zone($0)
        }
        self.init(
            file,
            options: Options(
                environments: options.environment, team: options.team, mode: options.mode,
                endless: endless),
            names: names)
    }

    /// The zone of days and of times without one: as told, or that of all environments that are meant.
    private static func zone(
        _ calendar: CalendarOptions, _ names: KnownNames
    ) throws -> String {
        for key in calendar.environment where names.timeZones[key] == nil {
            throw ValidationError("--environment: there is no environment \(key)")
        }
        if let named = calendar.timeZone {
            guard ZoneName.contains(named) else {
                throw ValidationError("--time-zone: there is no IANA zone \(named)")
            }
            return named
        }
        let zones = names.timeZones.filter { key, _ in
            calendar.environment.isEmpty || calendar.environment.contains(key)
        }.values
        return Set(zones).count == 1 ? zones.first ?? "UTC" : "UTC"
    }
}
