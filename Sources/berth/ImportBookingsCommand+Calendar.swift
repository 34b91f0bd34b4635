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

extension Booking.Mode: ExpressibleByArgument {}

extension ImportBookingsCommand {
    func importCalendar(_ data: Data) async throws {
        let (read, result) = try await database.withDatabase { database in
            let names = try await database.calendarNames()
            let zone = try zone(names)
            let file = try CalendarFile(data, zone: (zone, .named(zone))) { name in
                ZoneName.zone(name).map { ($0.identifier, .named($0.identifier)) }
            }
            let read = BookingCalendar(
                file,
                options: BookingCalendar.Options(
                    environments: calendar.environment, team: calendar.team, mode: calendar.mode),
                names: names)
            let bar = ProgressBar(total: read.series.reduce(0) { $0 + $1.rows.count })
            let now = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down))
            let imports = CalendarImport(into: database, by: sheet.caller, now: now)
            let result = try await imports.run(read.series, dryRun: sheet.dryRun) { bar.show($0) }
            bar.finish()
            return (read, result)
        }
        let rejects = read.rejects + result.rejects
        FileHandle.standardError.say(
            "\(result.booked) booked, \(result.recorded.count) past ones recorded, "
                + "\(result.changed) changed, \(result.cancelled) cancelled, "
                + "\(result.unchanged) there already, \(read.transparent) transparent ones skipped, "
                + "\(rejects.count) rejected"
                + (sheet.dryRun ? " (dry run: nothing was written)." : "."))
        for (reference, overlaps) in result.recorded where !overlaps.isEmpty {
            let others = overlaps.map(\.description).joined(separator: ", ")
            FileHandle.standardError.say("History: \(reference) overlapped \(others).")
        }
        try sheet.finish(rejects, header: BookingCalendar.header, delimiter: .comma)
    }

    /// The zone of days and of times without one: as told, or that of all environments that are meant.
    private func zone(_ names: CalendarNames) throws -> String {
        for key in calendar.environment where names.timeZones[key] == nil {
            throw ValidationError("--environment: there is no environment \(key)")
        }
        if let named = calendar.timeZone {
            guard let zone = ZoneName.zone(named) else {
                throw ValidationError("--time-zone: there is no IANA zone \(named)")
            }
            return zone.identifier
        }
        let zones = names.timeZones.filter { key, _ in
            calendar.environment.isEmpty || calendar.environment.contains(key)
        }.values
        return Set(zones).count == 1 ? zones.first ?? "UTC" : "UTC"
    }
}
