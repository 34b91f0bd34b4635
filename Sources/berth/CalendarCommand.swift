import ArgumentParser
import BerthCore
import BerthDatabase
import Foundation

/// `berth calendar`: what calendar clients read.
struct CalendarCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "calendar", abstract: "Writes calendars.", subcommands: [Export.self])

    /// `berth calendar export`
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes bookings and change windows as iCalendar (RFC 5545).",
            discussion: """
                Of one environment, team or person, or of all environments with some labels; of all, where \
                nothing is said. The same as the server's feeds.
                """)

        @OptionGroup var database: DatabaseOptions
        @Option(help: "The environment's key.") var environment: String?
        @Option(help: "The team's name.") var team: String?
        @Option(help: "Who asked for it: a token's name.") var person: String?
        @Option(
            help: ArgumentHelp("Environments with all these labels.", valueName: "k:v,k:v"))
        var labels: Selector?
        @Option(help: "The file to write (default: standard output).") var output: String?
        @Flag(help: "Only that something is taken.") var busy = false
        @Option(
            help: ArgumentHelp(
                "Where people reach Berth; links begin with it (default: http://127.0.0.1:8080).",
                valueName: "url"))
        var publicUrl: String?

        func validate() throws {
            guard
                [environment, team, person, labels?.pairs.description].compactMap(\.self).count < 2
            else {
                throw ValidationError("name one of --environment, --team, --person and --labels")
            }
        }

        func run() async throws {
            let settings = try await database.settings()
            let options = FeedOptions(
                publicURL: publicUrl
                    ?? settings.string(.publicURL) ?? "http://127.0.0.1:8080",
                isBusyOnly: busy)
            do {
                try await database.withDatabase { database in
                    // Made with the first piece: what is not there leaves no empty file.
                    var file: FileHandle?
                    try await database.writeCalendar(feed, options, now: Date()) { piece in
                        let handle = try file ?? output.map { try Self.file($0) } ?? .standardOutput
                        try handle.write(contentsOf: piece)
                        file = handle
                    }
                }
            } catch BerthError.notFound {
                throw ValidationError("there is nothing called \(feed.name)")
            }
        }

        private var feed: Feed {
            if let environment { return .environment(environment) }
            if let team { return .team(team) }
            if let person { return .person(person) }
            return .labels(labels?.pairs ?? [:])
        }

        private static func file(_ path: String) throws -> FileHandle {
            guard FileManager.default.createFile(atPath: path, contents: nil),
                let file = FileHandle(forWritingAtPath: path)
            else { throw ValidationError("\(path) cannot be written") }
            return file
        }
    }
}
