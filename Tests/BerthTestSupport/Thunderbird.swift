import Foundation
import Testing

/// Thunderbird's reader of calendars, ical.js, in Debian's node: taken out of Debian's package once a machine, which is
/// not installed.
public enum Thunderbird {
    /// Whether both can be had here.
    public static var isThere: Bool {
        get async { await module.value != nil }
    }

    /// The occurrences that Thunderbird finds in a calendar and that are not cancelled, in order: start and end in UTC,
    /// and the summary.
    public static func occurrences(
        in calendar: String, _ location: SourceLocation = #_sourceLocation
    ) async throws -> [String] {
        let module = try #require(await module.value)
        let read = await CalendarClients.run(
            "/usr/bin/env", ["node", "--input-type=module", "--eval", program],
            input: calendar, environment: ["ICAL": module])
        try #require(read.status == 0, "\(read.errors)", sourceLocation: location)
        return read.output.split(separator: "\n").map(String.init).sorted()
    }

    private static let program = """
        import { readFileSync } from "node:fs";
        const { default: ICAL } = await import(process.env.ICAL);
        const calendar = new ICAL.Component(ICAL.parse(readFileSync(0, "utf8")));
        for (const zone of calendar.getAllSubcomponents("vtimezone")) ICAL.TimezoneService.register(zone);
        const utc = (time) => new Date(time.toUnixTime() * 1000).toISOString().replace(".000Z", "Z");
        const events = calendar.getAllSubcomponents("vevent").map((one) => new ICAL.Event(one));
        for (const event of events.filter((one) => !one.isRecurrenceException())) {
          for (const other of events) {
            if (other.uid === event.uid && other.isRecurrenceException()) event.relateException(other);
          }
          const starts = event.isRecurring() ? event.iterator() : null;
          let start = starts ? starts.next() : event.startDate;
          while (start) {
            const { startDate, endDate, item } = event.getOccurrenceDetails(start);
            const status = item.component.getFirstPropertyValue("status");
            if (status !== "CANCELLED") console.log(utc(startDate), utc(endDate), item.summary);
            start = starts ? starts.next() : null;
          }
        }
        """

    private static let module = Task<String?, Never> {
        let folder = FileManager.default.temporaryDirectory.appending(path: "berth-thunderbird")
            .path
        let module = "\(folder)/Ical.mjs"
        if FileManager.default.fileExists(atPath: module) { return module }
        let script = """
            set -e; command -v node >/dev/null; mkdir -p \(folder); cd \(folder)
            apt-get download -q thunderbird >/dev/null
            dpkg-deb --fsys-tarfile thunderbird_*.deb | tar -x --wildcards '*/omni.ja'
            python3 -c 'import sys, zipfile; \
            sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read("modules/calendar/Ical.sys.mjs"))' \
            usr/share/thunderbird/omni.ja > part.mjs
            rm -r thunderbird_*.deb usr; mv part.mjs \(module)
            """
        let made = await CalendarClients.run("/bin/bash", ["-c", script])
        return made.status == 0 ? module : nil
    }
}
