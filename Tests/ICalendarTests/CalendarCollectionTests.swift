import BerthTestSupport
import Foundation
import ICalendar
import Testing

@Suite("Others' calendars")
struct CalendarCollectionTests {
    @Test("Every file of others' collections is read, or refused with a line")
    func collections() async throws {
        // What Python packages bring for their own tests, unless a folder is named.
        let named = ProcessInfo.processInfo.environment["BERTH_CALENDARS"]
        let installed = named == nil ? await CalendarClients.folder : nil
        guard let path = named ?? installed else {
            print("Skipped: no BERTH_CALENDARS, and pip brings no calendars.")
            return
        }
        let folder = URL(filePath: path)
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
