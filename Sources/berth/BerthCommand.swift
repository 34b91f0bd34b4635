import ArgumentParser
import BerthDatabase
import CRevision
import Foundation
import Postgres

/// The program: one file a subcommand.
@main
struct BerthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "berth",
        abstract: "Books test environments, and never twice.",
        discussion: """
            Settings come from flags, then BERTH_* environment variables, then the file that --config \
            names. Exit codes: 0 fine, 1 findings or refused, 2 usage or failure.
            """,
        version:
            "berth \(String(cString: berth_revision())), schema \(SchemaMigrator.newestVersion)",
        subcommands: [
            ServeCommand.self, MigrateCommand.self, DemoCommand.self, TokenCommand.self,
            ImportCommand.self, ChangesCommand.self, CalendarCommand.self, GateCommand.self,
            AuditCommand.self,
        ])

    /// What to tell the user.
    private static func sentence(for error: any Error) -> String {
        guard let error = error as? PostgresError else { return fullMessage(for: error) }
        if error.serverMessage?.contains("unsupported startup parameter") == true {
            return
                "Error: a pooler stands before the database and refuses what Berth sets: connect to PostgreSQL itself, "
                + "or set ignore_startup_parameters = options and pool_mode = session in pgbouncer"
        }
        switch error.kind {
        case .connectionFailed, .connectionLost, .poolTimeout, .deadlineExceeded, .shutDown:
            return
                "Error: the database does not answer: look at --database-url (or BERTH_DATABASE_URL), and whether "
                + "it runs and lets this user in"
        default: return "Error: the database refused: \(error)"
        }
    }

    /// As ArgumentParser's own, but for the exit code of usage and failure, which is 2 here.
    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let code as ExitCode {
            exit(withError: code)
        } catch  where exitCode(for: error) == .success {
            exit(withError: error)
        } catch {
            FileHandle.standardError.say(sentence(for: error))
            exit(withError: ExitCode(2))
        }
    }
}
