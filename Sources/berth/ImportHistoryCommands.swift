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
    @OptionGroup var dates: DateOptions
    @OptionGroup var endless: EndlessOptions

    @Option(help: "Of a calendar's events that say none: change, maintenance or freeze.")
    var kind: ChangeWindow.Kind?
    @Option(help: "Of a calendar's events: the environments, in place of their LOCATION.")
    var environment: [String] = []
    @Option(help: "Since when a calendar's windows were approved; now, unless said.")
    var approvedAt: String?

    func run() async throws {
        let data = try sheet.data()
        if sheet.file.lowercased().hasSuffix(".ics") { return try await importCalendar(data) }
        let columns = try sheet.names()
        let pattern = try dates.pattern()
        let interruption = Interruption()
        let intake = try await interruption.watch { [self] in
            try await database.withDatabase { database in
                let intake = SheetIntake(
                    try Sheet(
                        windows: data, columns: columns, pattern: pattern,
                        names: try await database.knownNames()),
                    sheet, kinds: RowVerdict.ofHistory, interruption: interruption
                ) { RowVerdict($1, of: $0.source, $0.identity) }
                let imports = try HistoryImport(into: database, by: sheet.caller, now: Date())
                try await intake.run { source in
                    try await imports.windows(
                        source.mapped { HistoryRow($0.draft, identity: $0.identity.text) },
                        dryRun: sheet.dryRun)
                }
                return intake
            }
        }
        try await intake.finish()
    }
}

extension ImportWindowsCommand {
    private func importCalendar(_ data: Data) async throws {
        let end = try endless.end(now: Date())
        let approval = try approvedAt.map { try RFC3339.date($0) }
        let file = try CalendarFile(data, zone: ("UTC", .named("UTC"))) {
            ZoneName.zone($0)
        }
        var faults = file.faults
        var rows: [HistoryRow<ChangeWindowDraft>] = []
        var lines: [Int] = []
        for event in file.events {
            do throws(CalendarFault) {
                var draft = try ChangeWindowDraft(
                    event, kind: kind, environments: environment, until: end)
                draft.approvedAt = approval
                rows.append(
                    HistoryRow(
                        draft,
                        identity: "berth-event/1\n\(event.uid)\n\(RFC3339.string(event.start))"))
                lines.append(event.line)
            } catch {
                faults.append(error)
            }
        }
        let interruption = Interruption()
        let progress = ImportProgress(total: rows.count)
        let outcomes = try await interruption.watch { [self, rows] in
            try await database.withDatabase { database in
                let imports = try HistoryImport(into: database, by: sheet.caller, now: Date())
                return try await ImportSource.all(
                    rows, ImportWatch(show: progress.show) { interruption.isAsked }
                ) { try await imports.windows($0, dryRun: sheet.dryRun) }
            }
        }
        progress.finish()
        var imported = 0
        var alreadyThere = 0
        for (line, outcome) in zip(lines, outcomes) {
            switch outcome {
            case .imported: imported += 1
            case .alreadyThere: alreadyThere += 1
            case .refused(_, let detail, let met):
                faults.append(
                    CalendarFault(line: line, detail: detail + (met.isEmpty ? "" : " (\(met))")))
            }
        }
        EndlessOptions.mention(file.events.count(where: \.isEndless), until: end)
        FileHandle.standardError.say(
            "\(imported) imported, \(alreadyThere) there already, \(faults.count) rejected"
                + (sheet.dryRun ? " (dry run: nothing was written)." : "."))
        for fault in faults.sorted(by: { $0.line < $1.line }) {
            FileHandle.standardError.say(fault.description)
        }
        try sheet.end(rejected: !faults.isEmpty, interruption, progress)
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
    @OptionGroup var dates: DateOptions

    @Option(help: "Where rows that name no environment happened.") var environment: String?

    func run() async throws {
        let data = try sheet.data()
        let columns = try sheet.names()
        let pattern = try dates.pattern()
        let interruption = Interruption()
        let intake = try await interruption.watch { [self] in
            try await database.withDatabase { database in
                let intake = SheetIntake(
                    try Sheet(
                        changes: data, columns: columns, pattern: pattern,
                        environment: environment, names: try await database.knownNames()),
                    sheet, kinds: RowVerdict.ofHistory, interruption: interruption
                ) { RowVerdict($1, of: $0.source, $0.identity) }
                let imports = try HistoryImport(into: database, by: sheet.caller, now: Date())
                try await intake.run { source in
                    try await imports.changes(
                        source.mapped { HistoryRow($0.draft, identity: $0.identity.text) },
                        dryRun: sheet.dryRun)
                }
                return intake
            }
        }
        try await intake.finish()
    }
}

extension RowVerdict {
    /// What is told of windows and changes.
    fileprivate static let ofHistory = ["imported", "there already"]

    fileprivate init(
        _ outcome: ImportedRecord, of source: SheetSource, _ identity: SheetIdentity
    ) {
        switch outcome {
        case .imported: self = .counted("imported")
        case .alreadyThere: self = .counted("there already")
        case .refused(let reason, let detail, let met):
            self = .rejected(
                SheetReject(source, of: identity, reason: reason, detail: detail, met: met))
        }
    }
}
