import ArgumentParser
import BerthCore
import BerthDatabase
import Foundation

/// `berth changes`: the change log.
struct ChangesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "changes", abstract: "Looks after the change log.", subcommands: [Verify.self])

    /// `berth changes verify`
    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Computes the log's chain of hashes anew, and names the first broken entry.",
            discussion: """
                Every verification keeps the head that it saw, and later ones look whether it is still in the \
                chain: so a tail that was cut off shows, and a chain that was rewritten. Keep the head that \
                it prints elsewhere too, and give it back with --head: then nobody who can write the \
                database can hide what he did. Exit codes: 0 whole, 1 broken, 2 usage or failure.
                """)

        @OptionGroup var database: DatabaseOptions
        @Option(
            help: ArgumentHelp(
                "A head that was printed before; may be given several times.", valueName: "id:hash")
        )
        var head: [LogHead] = []

        func run() async throws {
            let known = head
            let verdict = try await database.withDatabase { database in
                try await database.verifyChangeLog(known: known, now: Date())
            }
            switch verdict {
            case .whole(let head):
                FileHandle.standardError.say("The chain is whole: \(head.id) entries. Its head:")
                FileHandle.standardOutput.say(head.description)
            case .broken(let id, let detail):
                FileHandle.standardError.say("The chain is broken at entry \(id): \(detail).")
                throw ExitCode(1)
            }
        }
    }
}

extension LogHead: ExpressibleByArgument {
    /// Reads `17:9f86…`.
    public init?(argument: String) {
        self.init(argument)
    }
}
