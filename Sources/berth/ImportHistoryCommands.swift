import ArgumentParser
import BerthCore
import BerthDatabase
import Foundation

/// `berth import windows`
struct ImportWindowsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "windows", abstract: "Plans the change windows of a sheet, as they were.",
        discussion: """
            Columns: kind, environments or labels, from, to or minutes; optional title, team, ticket, notes, \
            timeZone, rrule, includeParts, approvedAt. What is over already is history and holds nothing, \
            and covers changes from approvedAt on.
            """)

    @OptionGroup var sheet: SheetOptions
    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let data = try sheet.data()
        let (read, result) = try await database.withDatabase { database in
            let zones = try await database.zones()
            let read = try HistorySheet(windows: data, names: sheet.names()) { zones[$0] }
            let bar = ProgressBar(total: read.rows.count)
            let result = try await HistoryImport(
                into: database, by: TokenCommand.operatorCaller, now: Date()
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
                into: database, by: TokenCommand.operatorCaller, now: Date()
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
