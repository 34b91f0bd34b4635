import ArgumentParser
import BerthCore
import BerthDatabase
import Foundation

/// `berth import environments`
struct ImportEnvironmentsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "environments", abstract: "Makes or changes the environments of a sheet.",
        discussion: """
            Columns: key; optional name, tier, owner, timeZone, capacity, labels, parts, status, runbook, \
            setupMinutes, teardownMinutes. What a cell leaves empty stays as it is.
            """)

    @OptionGroup var sheet: SheetOptions
    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        var read = try Sheet(environments: try sheet.data(), columns: try sheet.names())
        let (rows, unread) = try read.readAll()
        let progress = ImportProgress(total: rows.count)
        let interruption = Interruption()
        let result = try await interruption.watch { [self] in
            try await database.withDatabase { database in
                try await EnvironmentImport(into: database, by: sheet.caller, now: Date()).run(
                    rows, dryRun: sheet.dryRun,
                    ImportWatch(show: progress.show) { interruption.isAsked })
            }
        }
        progress.finish()
        sheet.mention(ignored: read.ignoredHeaders)
        let rejects = unread + result.rejects
        FileHandle.standardError.say(
            "\(result.created.count) created, \(result.updated.count) changed, "
                + "\(result.unchanged) as they were, \(rejects.count) rejected"
                + (sheet.dryRun ? " (dry run: nothing was written)." : "."))
        try sheet.finish(
            rejects, header: read.header, delimiter: read.delimiter, interruption, progress)
    }
}
