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
            be imported itself. Importing a sheet or a calendar again books nothing twice. Ctrl-C stops after \
            the rows under way, and says what was done.
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
            return try Data(contentsOf: URL(filePath: file), options: .mappedIfSafe)
        } catch {
            throw ValidationError("\(file) cannot be read: \(error.localizedDescription)")
        }
    }

    /// The headers given for columns.
    func names() throws -> SheetColumnNames {
        try columns.map { try SheetColumnNames($0) } ?? .none
    }

    /// Where rejected rows are written.
    var rejectsPath: String {
        rejects ?? URL(filePath: file).deletingPathExtension().path.appending(".rejects.csv")
    }

    /// Writes the rejects file, says so, and ends as ``end(rejected:_:_:)`` does.
    func finish(
        _ rejects: [SheetReject], header: [String], delimiter: CSVDelimiter,
        _ interruption: Interruption, _ progress: ImportProgress
    ) throws {
        var writer = RejectsWriter(
            self, header: header, delimiter: delimiter, progress: progress)
        for reject in rejects.sorted(by: { $0.line < $1.line }) { try writer.append(reject) }
        try writer.finish()
        try end(rejected: !rejects.isEmpty, interruption, progress)
    }

    /// Ends with the exit code 2 when it was stopped between two rows, which it says; with 1 when rows were rejected.
    func end(
        rejected: Bool, _ interruption: Interruption, _ progress: ImportProgress
    ) throws {
        if interruption.isAsked, progress.done < progress.total {
            FileHandle.standardError.say(
                "Stopped after \(progress.done) of \(progress.total) rows; import the file again for the others: "
                    + "what is in is not imported twice.")
            throw ExitCode(2)
        }
        if rejected { throw ExitCode(1) }
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

    @OptionGroup var dates: DateOptions
    @OptionGroup var endless: EndlessOptions

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
                        bookings: data, columns: columns, pattern: pattern,
                        names: try await database.knownNames()),
                    sheet, kinds: ["booked", "past ones recorded", "there already"],
                    interruption: interruption, verdict: Self.verdict)
                let now = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down))
                let imports = BookingImport(into: database, by: sheet.caller, now: now)
                try await intake.run { try await imports.run($0, dryRun: sheet.dryRun) }
                return intake
            }
        }
        try await intake.finish()
    }

    @Sendable private static func verdict(_ row: SheetRow, _ outcome: ImportedRow) -> RowVerdict {
        switch outcome {
        case .booked: .counted("booked")
        case .alreadyThere: .counted("there already")
        case .rejected(let reject): .rejected(reject)
        case .recorded(_, let met) where met.isEmpty: .counted("past ones recorded")
        case .recorded(let reference, let met):
            .told("past ones recorded", history(reference, met))
        }
    }

    /// What a booking that is over overlapped.
    static func history(_ reference: BookingReference, _ met: [BookingReference]) -> String {
        "History: \(reference) overlapped \(met.map(\.description).joined(separator: ", "))."
    }
}

/// How a sheet writes dates.
struct DateOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How the sheet writes dates, if not as 2027-03-01 09:00: 'dd/MM/yy', 'dd.MM.yyyy HH:mm'.",
            valueName: "pattern"))
    var dateFormat: String?

    /// The pattern, if there is one. Throws for what is none.
    func pattern() throws -> DatePattern? {
        try dateFormat.map { try DatePattern($0) }
    }
}
