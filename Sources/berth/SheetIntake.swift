import BerthCore
import BerthDatabase
import Foundation

/// What an import did with a row, as it is told.
enum RowVerdict {
    /// One of so many.
    case counted(String)
    /// The same, with more to say of it.
    case told(String, String)
    case rejected(SheetReject)
}

/// Hands a sheet's rows to an import, a group at a time, counts what became of them, and shows how far it is.
actor SheetIntake<Row: Sendable, Outcome: Sendable> {
    private var sheet: Sheet<Row>
    private let options: SheetOptions
    private let kinds: [String]
    private let verdict: @Sendable (Row, Outcome) -> RowVerdict
    private let interruption: Interruption
    private let progress: ImportProgress
    private var rejects: RejectsWriter
    private var group: [Row] = []
    /// Rows of the group that cannot be read: written among the others, in the file's order.
    private var unread: [SheetReject] = []
    private var counts: [String: Int] = [:]
    private var done = 0

    /// An intake that tells of so many of each of these kinds, in this order.
    init(
        _ sheet: sending Sheet<Row>, _ options: SheetOptions, kinds: [String],
        interruption: Interruption,
        verdict: @escaping @Sendable (Row, Outcome) -> RowVerdict
    ) {
        let progress = ImportProgress(total: sheet.rowCount)
        rejects = RejectsWriter(
            options, header: sheet.header, delimiter: sheet.delimiter, progress: progress)
        self.sheet = sheet
        self.options = options
        self.kinds = kinds
        self.interruption = interruption
        self.verdict = verdict
        self.progress = progress
    }

    /// What an import reads from, and tells.
    private nonisolated var source: ImportSource<Row, Outcome> {
        ImportSource {
            try await self.next($0)
        } done: {
            try await self.take($0)
        }
    }

    private func next(_ most: Int) throws -> [Row] {
        group = []
        guard !interruption.isAsked else { return [] }
        while group.count < most, let entry = try sheet.next() {
            switch entry {
            case .row(let row): group.append(row)
            case .reject(let reject): unread.append(reject)
            }
        }
        if group.isEmpty { try take([]) }
        return group
    }

    private func take(_ outcomes: [Outcome]) throws {
        done += unread.count + outcomes.count
        var rejected = unread
        unread = []
        for (row, outcome) in zip(group, outcomes) {
            switch verdict(row, outcome) {
            case .counted(let kind): counts[kind, default: 0] += 1
            case .told(let kind, let line):
                counts[kind, default: 0] += 1
                progress.say(line)
            case .rejected(let reject): rejected.append(reject)
            }
        }
        for reject in rejected.sorted(by: { $0.line < $1.line }) { try rejects.append(reject) }
        progress.show(done)
    }

    /// Runs an import of the sheet. Where it fails in the middle, what was done till then is said before the error is.
    nonisolated func run(
        _ body: (ImportSource<Row, Outcome>) async throws -> Void
    ) async throws {
        do {
            try await body(source)
        } catch {
            try await sayWhatWasDone()
            throw error
        }
    }

    /// Says what was done, and what to do about the rest; rejected rows make the exit code 1.
    func finish() throws {
        try sayWhatWasDone()
        try options.end(rejected: rejects.count > 0, interruption, progress)
    }

    private func sayWhatWasDone() throws {
        progress.finish()
        options.mention(ignored: sheet.ignoredHeaders)
        let numbers =
            kinds.map { "\(counts[$0, default: 0]) \($0)" } + ["\(rejects.count) rejected"]
        FileHandle.standardError.say(
            numbers.joined(separator: ", ")
                + (options.dryRun ? " (dry run: nothing was written)." : ".")
                + (progress.pace.map { " \($0)." } ?? ""))
        if let question = sheet.dates.question { FileHandle.standardError.say(question + ".") }
        try rejects.finish()
    }
}
