import ArgumentParser
import BerthCore
import BerthDatabase
import Foundation

/// `berth token`: who may call the API.
struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Makes, lists and revokes tokens of the API.",
        subcommands: [Create.self, List.self, Revoke.self])

    /// Whoever can open the database may do everything in it.
    static let operatorCaller = Caller(
        tokenID: 0, name: "operator", role: .admin, team: nil, labels: [:])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a token, and prints it alone on standard output.",
            discussion: """
                Whoever shows it may do what its role allows. viewer reads everything; booker books for its team, \
                asks for change windows and declares emergencies; manager approves, displaces and plans windows for \
                the environments that its team owns or its labels match; admin may do everything.
                Examples:
                  berth token create --name pipeline --role booker --team crm
                  berth token create --name ada --role manager --team crm --labels tier:uat
                  berth token create --name jenkins --role booker --team release --reports
                """)

        @OptionGroup var database: DatabaseOptions
        @Option(help: "Its name; written to history. One token in use has it.") var name: String
        @Option(help: "viewer, booker, manager or admin.") var role: Role
        @Option(help: "The team that it books for; made if there is none of that name.")
        var team: String?
        @Option(
            help: ArgumentHelp(
                "Environments that a manager manages beyond its team's.", valueName: "k:v,k:v"))
        var labels: Selector = Selector()
        @Flag(help: "It reports other teams' changes, and is believed through mappings.")
        var reports = false

        func validate() throws {
            guard name.contains(where: { !$0.isWhitespace }) else {
                throw ValidationError("--name is blank: history tells by it who did what")
            }
        }

        func run() async throws {
            let draft = TokenDraft(
                name: name, role: role, team: team, labels: labels.pairs, reports: reports)
            let secret = try await database.withDatabase { database in
                try await database.createToken(
                    draft, by: TokenCommand.operatorCaller, now: Date()
                ).bearer
            }
            FileHandle.standardOutput.say(secret)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lists tokens, the newest first; never their secrets.")

        @OptionGroup var database: DatabaseOptions

        func run() async throws {
            let tokens = try await database.withDatabase { database in
                try await database.tokens(Page(limit: 10_000)).items
            }
            for token in tokens {
                let fields =
                    [
                        String(token.id), token.name, token.role.rawValue, token.team ?? "-",
                        token.revokedAt.map { "revoked \(RFC3339.string($0))" } ?? "in use",
                    ] + (token.reports ? ["reports"] : [])
                FileHandle.standardOutput.say(fields.joined(separator: "\t"))
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ends a token at once, on every server.")

        @OptionGroup var database: DatabaseOptions
        @Argument(help: "The token's name, or its number in the list.") var token: String

        func run() async throws {
            try await database.withDatabase { database in
                if let id = Int64(token) {
                    _ = try await database.revokeToken(id, now: Date())
                } else {
                    _ = try await database.revokeToken(named: token, now: Date())
                }
            }
        }
    }
}

/// A selector on the command line: `k:v,k:v`.
struct Selector: ExpressibleByArgument {
    var pairs: [String: String] = [:]

    init() {}

    init?(argument: String) {
        for pair in argument.split(separator: ",") {
            let parts = pair.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { return nil }
            pairs[String(parts[0])] = String(parts[1])
        }
    }
}

extension Role: ExpressibleByArgument {}
