import ArgumentParser
import BerthCore
import BerthDatabase
import Foundation
import ICalendar

/// `berth import windows`
struct ImportWindowsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "windows",
        abstract: "Plans the change windows of a sheet or a calendar, as they were.",
        discussion: """
            Columns: kind, environments or labels, from, to or minutes; optional title, team, ticket, notes, \
            timeZone, rrule, includeParts, approvedAt. What is over already is history and holds nothing, \
            and covers changes from approvedAt on. Of a calendar (.ics), each event is a window: its kind in \
            CATEGORIES, its environments in LOCATION, unless the options say them.
            """)

    @OptionGroup var sheet: SheetOptions
    @OptionGroup var database: DatabaseOptions

    @Option(help: "Of a calendar's events that say none: change, maintenance or freeze.")
    var kind: ChangeWindow.Kind?
    @Option(help: "Of a calendar's events: the environments, in place of their LOCATION.")
    var environment: [String] = []
    @Option(help: "Since when a calendar's windows were approved; now, unless said.")
    var approvedAt: String?

    func run() async throws {
        let data = try sheet.data()
        if sheet.file.lowercased().hasSuffix(".ics") { return try await importCalendar(data) }
        let (read, result) = try await database.withDatabase { database in
            let zones = try await database.zones()
            let read = try HistorySheet(windows: data, names: sheet.names()) { zones[$0] }
            let bar = ProgressBar(total: read.rows.count)
            let result = try await HistoryImport(
                into: database, by: sheet.caller, now: Date()
            ).windows(
                read.rows.map { ($0.draft, $0.identity.text) }, dryRun: sheet.dryRun
            ) { bar.show($0) }
            bar.finish()
            return (read, result)
        }
        try sheet.finish(
            read, result,
            rejects: result.refused.map { refused in
                let row = read.rows[refused.row]
                return SheetReject(
                    row.source, of: row.identity, reason: refused.reason, detail: refused.detail,
                    met: refused.met)
            })
    }
}

extension ImportWindowsCommand {
    private func importCalendar(_ data: Data) async throws {
        let approval = try approvedAt.map { try RFC3339.date($0) }
        let file = try CalendarFile(data, zone: ("UTC", .named("UTC"))) { name in
            ZoneName.zone(name).map { ($0.identifier, .named($0.identifier)) }
        }
        var faults = file.faults
        var drafts: [(draft: ChangeWindowDraft, identity: String)] = []
        var lines: [Int] = []
        for event in file.events {
            do throws(CalendarFault) {
                var draft = try ChangeWindowDraft(event, kind: kind, environments: environment)
                draft.approvedAt = approval
                drafts.append(
                    (draft, "berth-event/1\n\(event.uid)\n\(RFC3339.string(event.start))"))
                lines.append(event.line)
            } catch {
                faults.append(error)
            }
        }
        let result = try await database.withDatabase { [drafts] database in
            try await HistoryImport(
                into: database, by: sheet.caller, now: Date()
            ).windows(drafts, dryRun: sheet.dryRun) { _ in }
        }
        for refused in result.refused {
            let met = refused.met.isEmpty ? "" : " (\(refused.met))"
            faults.append(CalendarFault(line: lines[refused.row], detail: refused.detail + met))
        }
        FileHandle.standardError.say(
            "\(result.imported) imported, \(result.alreadyThere) there already, \(faults.count) rejected"
                + (sheet.dryRun ? " (dry run: nothing was written)." : "."))
        for fault in faults.sorted(by: { $0.line < $1.line }) {
            FileHandle.standardError.say(fault.description)
        }
        if !faults.isEmpty { throw ExitCode(1) }
    }
}

extension ChangeWindow.Kind: ExpressibleByArgument {}

/// `berth import changes`
struct ImportChangesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "changes", abstract: "Logs the changes of a sheet, judged by what held then.",
        discussion: """
            Columns: occurredAt, summary; optional id, environment, actor, team, kind, component, version, \
            ticket. Import the windows first: what is logged is never judged again.
            """)

    @OptionGroup var sheet: SheetOptions
    @OptionGroup var database: DatabaseOptions

    @Option(help: "Where rows that name no environment happened.") var environment: String?

    func run() async throws {
        let data = try sheet.data()
        let (read, result) = try await database.withDatabase { database in
            let zones = try await database.zones()
            let read = try HistorySheet(
                changes: data, names: sheet.names(), environment: environment
            ) { zones[$0] }
            let bar = ProgressBar(total: read.rows.count)
            let result = try await HistoryImport(
                into: database, by: sheet.caller, now: Date()
            ).changes(
                read.rows.map { ($0.draft, $0.identity.text) }, dryRun: sheet.dryRun
            ) { bar.show($0) }
            bar.finish()
            return (read, result)
        }
        try sheet.finish(
            read, result,
            rejects: result.refused.map { refused in
                let row = read.rows[refused.row]
                return SheetReject(
                    row.source, of: row.identity, reason: refused.reason, detail: refused.detail,
                    met: refused.met)
            })
    }
}

extension SheetOptions {
    /// Says what an import of history did, and writes the rejects.
    fileprivate func finish<Row>(
        _ read: HistorySheet<Row>, _ result: HistoryImportResult, rejects: [SheetReject]
    ) throws {
        mention(ignored: read.ignoredHeaders)
        let rejected = read.rejects + rejects
        FileHandle.standardError.say(
            "\(result.imported) imported, \(result.alreadyThere) there already, \(rejected.count) rejected"
                + (dryRun ? " (dry run: nothing was written)." : "."))
        try finish(rejected, header: read.header, delimiter: read.delimiter)
    }
}
