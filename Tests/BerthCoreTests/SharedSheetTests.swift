import Foundation
import Testing

@testable import BerthCore

/// The sheet that an independent program made, with the right verdict of each row.
struct SharedSheetTests {
    static let folder = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "shared/data")
    static var isThere: Bool {
        FileManager.default.fileExists(atPath: folder.appending(path: "booking-sheet.csv").path)
    }

    static let names = KnownNames(
        environments: [
            ("sit-1", "Europe/London"), ("sit-2", "Europe/London"), ("uat-1", "Europe/London"),
            ("uat-2", "Europe/London"), ("perf-1", "Europe/London"), ("preprod", "Europe/London"),
            ("mainframe-t3", "Europe/London"), ("uat-crm", "Europe/Berlin"),
            ("uat-billing", "Europe/Berlin"), ("training", "America/New_York"),
            ("mobile-lab", "Asia/Kolkata"), ("payments-stub", "UTC"),
        ].map { (key: $0.0, name: "", timeZone: $0.1, isRetired: false) }, teams: [])

    static func sheet() throws -> ReadSheet<SheetRow> {
        let data = try Data(contentsOf: folder.appending(path: "booking-sheet.csv"))
        return try ReadSheet(Sheet(bookings: data, names: names))
    }

    static func verdicts() throws -> [String] {
        let data = try Data(contentsOf: folder.appending(path: "booking-sheet.verdicts.csv"))
        var reader = CSVReader(data, delimiter: .comma)
        var verdicts: [String] = []
        _ = try reader.next()
        while let record = try reader.next() { verdicts.append(record.fields[1]) }
        return verdicts
    }

    @Test(
        "first come, first served gives all 400 verdicts of the shared sheet",
        .enabled(if: isThere, "the folder ../shared/data is not on this machine"))
    func allVerdicts() throws {
        var held: [SheetRow] = []
        let decided = try Self.sheet().entries.map { entry in
            switch entry {
            case .reject(let reject): return reject.reason.rawValue
            case .row(let row):
                let meets = held.contains { other in
                    other.environments == row.environments && other.period.overlaps(row.period)
                        && (other.mode == .exclusive || row.mode == .exclusive)
                }
                if meets { return "conflict" }
                held.append(row)
                return "accepted"
            }
        }
        #expect(decided.count == 400)
        for (index, (ours, theirs)) in zip(decided, try Self.verdicts()).enumerated() {
            #expect(ours == theirs, "row \(index + 1)")
        }
    }

    @Test(
        "exactly the unreadable rows of the shared sheet are rejected, each with its code",
        .enabled(if: isThere, "the folder ../shared/data is not on this machine"))
    func rejects() throws {
        let verdicts = try Self.verdicts()
        let expected = verdicts.indices
            .filter { ["invalid", "unknown-environment"].contains(verdicts[$0]) }
            .map { "\($0 + 1) \(verdicts[$0])" }
        let sheet = try Self.sheet()
        #expect(sheet.rejects.map { "\($0.place) \($0.reason.rawValue)" } == expected)
        #expect(sheet.rows.count == 377)
        #expect(sheet.ignoredHeaders.isEmpty)
    }

    @Test(
        "rejects of the shared sheet are the same rows when their file is read again",
        .enabled(if: isThere, "the folder ../shared/data is not on this machine"))
    func rejectsAgain() throws {
        let sheet = try Self.sheet()
        var file = RejectsFile(header: sheet.header)
        for reject in sheet.rejects { file.append(reject) }
        let again = try ReadSheet(Sheet(bookings: file.data, names: Self.names))
        #expect(again.rejects.map(\.fields) == sheet.rejects.map(\.fields))
        #expect(again.rejects.map(\.reason) == sheet.rejects.map(\.reason))
        #expect(again.rejects.map(\.detail) == sheet.rejects.map(\.detail))
    }
}
