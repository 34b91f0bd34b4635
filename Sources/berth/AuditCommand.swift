import ArgumentParser
import BerthCore
import BerthDatabase
import BerthServer
import Foundation
import Postgres

/// `berth audit`: everything computed anew, and what is wrong with it.
struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Audits everything, and says who has to act.",
        discussion: """
            Recomputes conflicts, changes and promises from the records, trusting no constraint, in one \
            read-only snapshot beside live load. The run is kept, and told apart from the runs before: what \
            is new, persisting, resolved or waived. Exits 0 when there is nothing, 1 by --fail-on, 2 when it \
            could not be done. Reading from a standby, without a database named to keep the run in, it is not \
            recorded.
            """)

    @OptionGroup var database: DatabaseOptions
    @Option(
        help: ArgumentHelp(
            "A standby that the checks read; the run is kept in the database.", valueName: "url"))
    var readFrom: String?
    @Option(help: "text, json, csv, markdown or html.") var format: Format = .text
    @Option(
        help: ArgumentHelp("The instant to audit (default: now).", valueName: "time"),
        transform: Self.instant) var at: Date?
    @Option(help: "When to exit with 1: any finding, new ones, or never.") var failOn: FailOn = .any
    @Option(
        help: ArgumentHelp("A check to run, instead of all; may be repeated.", valueName: "name"))
    var check: [String] = []
    @Option(help: ArgumentHelp("A check to leave out; may be repeated.", valueName: "name"))
    var skip: [String] = []
    @Option(help: ArgumentHelp("The file to write (default: standard output).", valueName: "file"))
    var output: String?

    func validate() throws {
        let names = try AuditCheck.names()
        for name in check + skip where !names.contains(name) {
            throw ValidationError(
                "there is no check \(name): there are \(names.sorted().joined(separator: ", "))")
        }
    }

    func run() async throws {
        let audit = try await audited()
        let report = format.report(audit)
        if let output {
            try report.write(to: URL(filePath: output), options: .atomic)
        } else {
            try FileHandle.standardOutput.write(contentsOf: report)
        }
        let summary = audit.summary
        let fails =
            switch failOn {
            case .any: summary.new + summary.persisting > 0
            case .new: summary.new > 0
            case .never: false
            }
        if fails { throw ExitCode(1) }
    }

    private func audited() async throws -> Audit {
        var request = AuditRequest(at: at, checks: Set(check), recordedBy: "berth audit")
        if !skip.isEmpty {
            request.checks = (check.isEmpty ? try AuditCheck.names() : request.checks).subtracting(
                skip)
        }
        guard let readFrom else {
            return try await database.withDatabase(mayBeStandby: true) { [request] database in
                var request = request
                request.isRecorded = try await !database.client.isStandby
                return try await database.audit(request, now: Date())
            }
        }
        let options = DatabaseOptions(url: readFrom, like: database)
        guard try await database.isNamed else {
            request.isRecorded = false
            return try await options.withDatabase(mayBeStandby: true) { [request] replica in
                try await replica.audit(request, now: Date())
            }
        }
        return try await database.withDatabase { [request] database in
            try await options.withDatabase(mayBeStandby: true) { replica in
                try await database.audit(request, reading: replica.client, now: Date())
            }
        }
    }

    /// How a run is written.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json, csv, markdown, html

        func report(_ audit: Audit) -> Data {
            switch self {
            case .text: Data(audit.text.utf8)
            case .json: audit.json + Data("\n".utf8)
            case .csv: Data(audit.csv)
            case .markdown: Data(audit.markdown.utf8)
            case .html: Data(audit.html.utf8)
            }
        }
    }

    /// What is worth an exit code of 1.
    enum FailOn: String, ExpressibleByArgument, CaseIterable {
        case new, any, never
    }

    private static func instant(_ text: String) throws -> Date {
        do {
            return try RFC3339.date(text)
        } catch {
            throw ValidationError("\(text) is no time: write it as 2026-11-26T02:00:00Z")
        }
    }
}
