import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import Testing

@Suite("Importing a team's sheet", .gated)
struct ImportTests {
    private static let shared = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "shared/data")

    private static let zones = [
        "sit-1": "Europe/London", "sit-2": "Europe/London", "uat-1": "Europe/London",
        "uat-2": "Europe/London", "perf-1": "Europe/London", "preprod": "Europe/London",
        "mainframe-t3": "Europe/London", "uat-crm": "Europe/Berlin",
        "uat-billing": "Europe/Berlin", "training": "America/New_York",
        "mobile-lab": "Asia/Kolkata", "payments-stub": "UTC",
    ]

    /// Before the first row of the shared sheet.
    private static let eve = Date(timeIntervalSince1970: 1_798_000_000)

    @Test(
        "The shared sheet's verdicts are right row by row, and importing it again books nothing",
        .enabled(
            if: FileManager.default.fileExists(
                atPath: shared.appending(path: "booking-sheet.csv").path),
            "the folder ../shared/data is not on this machine"))
    func sharedSheet() async throws {
        let data = try Data(contentsOf: Self.shared.appending(path: "booking-sheet.csv"))
        let verdicts = try String(
            contentsOf: Self.shared.appending(path: "booking-sheet.verdicts.csv"), encoding: .utf8
        ).split(whereSeparator: \.isNewline).dropFirst().map { String($0.split(separator: ",")[1]) }

        try await TestDatabase.with { database in
            for (key, zone) in Self.zones.sorted(by: { $0.key < $1.key }) {
                try await database.environment(key) { $0.timeZone = zone }
            }
            for dryRun in [true, false] {
                let decided = try await Self.verdicts(data, database, dryRun: dryRun)
                #expect(decided.count == 400)
                for (index, verdict) in verdicts.enumerated() {
                    #expect(decided[index + 1] == verdict, "row \(index + 1), dry run \(dryRun)")
                }
            }
            #expect(try await database.doubleBookings() == 0)
            let again = try await Self.verdicts(data, database, dryRun: false)
            #expect(again.values.count { $0 == "there" } == verdicts.count { $0 == "accepted" })
            #expect(again.values.count { $0 == "accepted" } == 0)
        }
    }

    @Test("What is over already is kept as history, overlaps reported, and holds nothing")
    func history() async throws {
        let sheet = """
            environment;team;from;to;title
            uat-1;crm;2027-02-01 09:00;2027-02-01 12:00;Old one
            uat-1;crm;2027-02-01 11:00;2027-02-01 13:00;Old two
            uat-1;crm;2027-03-01 08:00;2027-03-01 12:00;Under way
            uat-1;crm;2027-03-01 11:00;2027-03-01 13:00;Too late
            """
        try await TestDatabase.with { database in
            try await database.environment("uat-1")
            let rows = try await Self.run(Data(sheet.utf8), database, dryRun: false).rows
            #expect(rows.count == 4)
            guard case .recorded(let first, let none) = rows[0],
                case .recorded(_, let overlaps) = rows[1], case .booked(let running) = rows[2],
                case .rejected(let reject) = rows[3]
            else {
                Issue.record("\(rows)")
                return
            }
            #expect(none.isEmpty)
            #expect(overlaps == [first])
            #expect(try await database.berth.booking(first).state == .completed)
            #expect(try await database.berth.booking(running).state == .active)
            #expect(reject.line == 5)
            #expect(reject.met.contains(running.description))
            let claims = try await database.client.query("SELECT count(*) FROM claims")
            #expect(try claims[claims.startIndex].decode(Int.self) == 1)
        }
    }

    @Test("Environments are made, changed or left as they are; parts may stand further down")
    func environments() async throws {
        let sheet = """
            key,name,tier,owner,timeZone,capacity,labels,parts,setupMinutes
            uat-1,UAT 1,uat,release,Europe/London,,app:crm,stub=shared,30
            stub,Stub,component,payments,UTC,3,,,
            lost,Lost,uat,release,UTC,,,nowhere,
            """
        try await TestDatabase.with { database in
            var read = try Sheet(environments: Data(sheet.utf8))
            let rows = try read.readAll().rows
            let imports = EnvironmentImport(
                into: database.berth, by: TestDatabase.admin, now: TestDatabase.now)
            let dry = try await imports.run(rows, dryRun: true)
            #expect(dry.created.sorted() == ["stub", "uat-1"])
            #expect(dry.rejects.map(\.line) == [4])
            let first = try await imports.run(rows, dryRun: false)
            #expect(first.created.sorted() == ["stub", "uat-1"])
            let second = try await imports.run(rows, dryRun: false)
            #expect(second.created.isEmpty && second.updated.isEmpty)
            #expect(second.unchanged == 2)
            let made = try await database.berth.environment("uat-1")
            #expect(made.parts == [.init(key: "stub", usage: .shared)])
            #expect(made.policy.setupMinutes == 30)
            #expect(made.ownerTeam == "release")
        }
    }

    private static func run(
        _ data: Data, _ database: TestDatabase, dryRun: Bool, now: Date = TestDatabase.now
    ) async throws -> (read: [SheetRow], rejects: [SheetReject], rows: [ImportedRow]) {
        let imports = BookingImport(into: database.berth, by: TestDatabase.admin, now: now)
        var sheet = try Sheet(bookings: data, names: try await database.berth.knownNames())
        let (read, rejects) = try sheet.readAll()
        let rows = try await ImportSource<SheetRow, ImportedRow>.all(read) {
            try await imports.run($0, dryRun: dryRun)
        }
        return (read, rejects, rows)
    }

    private static func verdicts(
        _ data: Data, _ database: TestDatabase, dryRun: Bool
    ) async throws -> [Int: String] {
        let (read, rejects, rows) = try await run(data, database, dryRun: dryRun, now: eve)
        var verdicts: [Int: String] = [:]
        for reject in rejects { verdicts[reject.place] = reject.reason.rawValue }
        for (row, imported) in zip(read, rows) {
            verdicts[row.place] =
                switch imported {
                case .booked, .recorded: "accepted"
                case .alreadyThere: "there"
                case .rejected(let reject): reject.reason.rawValue
                }
        }
        return verdicts
    }
}
