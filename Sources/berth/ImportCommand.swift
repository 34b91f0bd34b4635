import ArgumentParser
import BerthCore
import BerthDatabase
import Foundation

/// `berth import`: takes in what a team has in sheets.
struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Imports environments, bookings, windows and changes; bookings, unless said.",
        discussion: """
            The delimiter is detected (comma, semicolon or tab). Rows that cannot be imported are written \
            to the rejects file, each with its line, its reason and what it met; put right, that file can \
            be imported itself. Importing a sheet or a calendar again books nothing twice.
            Exit codes: 0 all rows are in, 1 some were rejected, 2 usage or failure.
            """,
        subcommands: [
            ImportBookingsCommand.self, ImportEnvironmentsCommand.self, ImportWindowsCommand.self,
            ImportChangesCommand.self,
        ], defaultSubcommand: ImportBookingsCommand.self)
}

/// What both imports are told.
struct SheetOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("The sheet, or the calendar.", valueName: "file")) var file: String

    @Option(
        help: ArgumentHelp(
            "Headers of columns that are called otherwise: from=Beginn,to=Ende.",
            valueName: "column=header,…"))
    var columns: String?

    @Option(
        help: ArgumentHelp(
            "Where rejected rows are written (default: the sheet's name with .rejects.csv).",
            valueName: "file"))
    var rejects: String?

    @Flag(help: "Decides every row and writes nothing.") var dryRun = false
    @Flag(
        help:
            "Makes teams that nobody made; without it their rows are refused, with the nearest known one."
    )
    var createTeams = false

    /// Who imports.
    var caller: Caller {
        var caller = TokenCommand.operatorCaller
        caller.createsTeams = createTeams
        return caller
    }

    func data() throws -> Data {
        do {
            return try Data(contentsOf: URL(filePath: file))
        } catch {
            throw ValidationError("\(file) cannot be read: \(error.localizedDescription)")
        }
    }

    func names() throws -> SheetColumnNames {
        try columns.map { try SheetColumnNames($0) } ?? .none
    }

    /// Writes the rejects file, says so, and turns rejects into the exit code 1.
    func finish(_ rejects: [SheetReject], header: [String], delimiter: CSVDelimiter) throws {
        guard !rejects.isEmpty else { return }
        if !dryRun {
            var sheet = RejectsFile(header: header, delimiter: delimiter)
            for reject in rejects.sorted(by: { $0.line < $1.line }) { sheet.append(reject) }
            let path =
                self.rejects
                ?? URL(filePath: file).deletingPathExtension().path
                .appending(".rejects.csv")
            try sheet.data.write(to: URL(filePath: path))
            FileHandle.standardError.say("The rejected rows are in \(path).")
        } else {
            for reject in rejects.sorted(by: { $0.line < $1.line }) {
                FileHandle.standardError.say(
                    "line \(reject.line): \(reject.reason.rawValue): \(reject.detail)"
                        + (reject.met.isEmpty ? "" : " (\(reject.met))"))
            }
        }
        throw ExitCode(1)
    }

    /// Tells that columns of the sheet were not understood: a misspelt header must not go unnoticed.
    func mention(ignored headers: [String]) {
        guard !headers.isEmpty else { return }
        FileHandle.standardError.say(
            "Ignored columns: \(headers.joined(separator: ", ")) (name them with --columns).")
    }
}

/// `berth import bookings`
struct ImportBookingsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bookings",
        abstract: "Books the rows of a team's sheet or the events of its calendar.",
        discussion: """
            Columns: environment, team, from, to or minutes, title; optional mode, contact, ticket, notes, \
            labels, timeZone. Local times are read in the environment's zone; one that does not exist or \
            is ambiguous is refused. What is over already is kept as history and holds nothing.

            Of a calendar (.ics), each event is a booking: its title in SUMMARY, its notes in DESCRIPTION, its \
            environments (keys or names) in LOCATION, its team among CATEGORIES, unless the options say them. \
            One that recurs is a booking for each occurrence. Imported again, a calendar changes its bookings \
            to what it has now: moved, retitled, or cancelled. Transparent events are skipped. A dry run \
            decides each change as if it were the only one.
            """)

    @OptionGroup var sheet: SheetOptions
    @OptionGroup var database: DatabaseOptions
    @OptionGroup var calendar: CalendarOptions

    @Option(
        help: ArgumentHelp(
            "How the sheet writes dates, if not as 2027-03-01 09:00: 'dd/MM/yy', 'dd.MM.yyyy HH:mm'.",
            valueName: "pattern"))
    var dateFormat: String?

    func run() async throws {
        let data = try sheet.data()
        if sheet.file.lowercased().hasSuffix(".ics") { return try await importCalendar(data) }
        let options = BookingSheet.Options(
            names: try sheet.names(), pattern: try dateFormat.map { try DatePattern($0) })
        let (read, rows) = try await database.withDatabase { database in
            let now = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down))
            let bookings = BookingImport(into: database, by: sheet.caller, now: now)
            let zones = try await database.zones()
            let read = try BookingSheet(data, options: options) { zones[$0] }
            let bar = ProgressBar(total: read.rows.count)
            let rows = try await bookings.run(read.rows, dryRun: sheet.dryRun) { bar.show($0) }
            bar.finish()
            return (read, rows)
        }
        sheet.mention(ignored: read.ignoredHeaders)
        let summary = Summary(read: read, rows: rows)
        FileHandle.standardError.say(summary.text(dryRun: sheet.dryRun))
        try sheet.finish(summary.rejects, header: read.header, delimiter: read.delimiter)
    }

    /// What the import did, in numbers and, for history, in overlaps.
    private struct Summary {
        var booked = 0
        var recorded = 0
        var alreadyThere = 0
        var overlaps: [String] = []
        var rejects: [SheetReject]

        init(read: BookingSheet, rows: [ImportedRow]) {
            rejects = read.rejects
            for row in rows {
                switch row {
                case .booked: booked += 1
                case .alreadyThere: alreadyThere += 1
                case .rejected(let reject): rejects.append(reject)
                case .recorded(let reference, let met):
                    recorded += 1
                    if !met.isEmpty {
                        let others = met.map(\.description).joined(separator: ", ")
                        overlaps.append("\(reference) overlapped \(others)")
                    }
                }
            }
        }

        func text(dryRun: Bool) -> String {
            let counts =
                "\(booked) booked, \(recorded) past ones recorded, \(alreadyThere) there already, "
                + "\(rejects.count) rejected"
            let lines = ["\(counts)\(dryRun ? " (dry run: nothing was written)" : "")."]
            return (lines + overlaps.map { "History: \($0)." }).joined(separator: "\n")
        }
    }
}

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
        let read = try EnvironmentSheet(try sheet.data(), names: try sheet.names())
        let result = try await database.withDatabase { database in
            let bar = ProgressBar(total: read.rows.count)
            let result = try await EnvironmentImport(
                into: database, by: sheet.caller, now: Date()
            ).run(read.rows, dryRun: sheet.dryRun) { bar.show($0) }
            bar.finish()
            return result
        }
        sheet.mention(ignored: read.ignoredHeaders)
        let rejects = read.rejects + result.rejects
        FileHandle.standardError.say(
            "\(result.created.count) created, \(result.updated.count) changed, "
                + "\(result.unchanged) as they were, \(rejects.count) rejected"
                + (sheet.dryRun ? " (dry run: nothing was written)." : "."))
        try sheet.finish(rejects, header: read.header, delimiter: read.delimiter)
    }
}
