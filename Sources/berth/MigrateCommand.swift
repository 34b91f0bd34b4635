import ArgumentParser
import BerthDatabase
import Foundation

/// `berth migrate`: brings a database to the schema of this program.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Brings a database to the schema of this program.",
        discussion: "Safe when several start at once; `berth serve` does it first by itself.")

    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        try await database.withDatabase(mayBeNew: true) { _ in }
        FileHandle.standardError.say("The schema is up to date.")
    }
}
