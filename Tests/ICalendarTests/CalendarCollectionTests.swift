import Foundation
import ICalendar
import Testing

@Suite("Others' calendars")
struct CalendarCollectionTests {
    /// The folder that `BERTH_CALENDARS` names, or else what two Python packages bring for their own tests.
    private static func folder() throws -> URL? {
        if let named = ProcessInfo.processInfo.environment["BERTH_CALENDARS"] {
            return URL(filePath: named)
        }
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "berth-calendars-\(UUID().uuidString)")
        let pip = Process()
        pip.executableURL = URL(filePath: "/usr/bin/env")
        pip.arguments = [
            "python3", "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--target",
            folder.path, "icalendar", "recurring-ical-events",
        ]
        pip.standardError = FileHandle.nullDevice
        try pip.run()
        pip.waitUntilExit()
        guard pip.terminationStatus == 0 else {
            try? FileManager.default.removeItem(at: folder)
            return nil
        }
        return folder
    }

    @Test("Every file of others' collections is read, or refused with a line")
    func collections() throws {
        guard let folder = try Self.folder() else {
            print("Skipped: no BERTH_CALENDARS, and pip brings no calendars.")
            return
        }
        let isOurs = ProcessInfo.processInfo.environment["BERTH_CALENDARS"] == nil
        defer { if isOurs { try? FileManager.default.removeItem(at: folder) } }
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        var events = 0
        var refused = 0
        var count = 0
        for case let file as URL in files ?? .init() where file.pathExtension == "ics" {
            let data = try Data(contentsOf: file)
            count += 1
            do throws(CalendarFault) {
                let calendar = try CalendarFile(
                    data, zone: ("UTC", ZoneRules(.gmt)), named: CalendarFileTests.zone)
                events += calendar.events.count
                refused += calendar.faults.count
                for event in calendar.events { _ = try? event.occurrences(atMost: 366) }
                #expect(calendar.faults.allSatisfy { $0.line > 0 })
            } catch {
                refused += 1
                #expect(error.line > 0)
            }
        }
        #expect(events > 0)
        print("\(count) calendars: \(events) events read, \(refused) events or files refused")
    }
}
