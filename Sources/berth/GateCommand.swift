import ArgumentParser
import BerthClient
import Configuration
import Foundation

/// `berth gate`: whether a pipeline may act now.
struct GateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gate", abstract: "Asks whether an environment is open now.",
        discussion: """
            For pipelines, right before they act: exits 0 when it is open, 1 when it is closed, 2 when \
            nobody could say. Asks the server that BERTH_URL names, with the token in BERTH_TOKEN.
            """)

    @Argument(help: "The environment's key.") var environment: String
    @Option(name: .customLong("for"), help: "change or use.") var purpose: String = "change"
    @Option(help: "At which instant (default: now).") var at: String?
    @Option(help: "For which team (default: the token's).") var team: String?
    @Option(help: "The server's URL (default: BERTH_URL, or http://127.0.0.1:8080).")
    var url: String?

    func run() async throws {
        let settings = ConfigReader(provider: EnvironmentVariablesProvider()).scoped(to: "berth")
        let address = url ?? settings.string(forKey: "url", default: "http://127.0.0.1:8080")
        guard let base = URL(string: address), base.scheme != nil else {
            throw ValidationError("\(address) is no URL: write it as https://berth.example.org")
        }
        guard let token = settings.string(forKey: "token", isSecret: true), !token.isEmpty else {
            throw ValidationError("BERTH_TOKEN is not set: make one with berth token create")
        }
        var query = ["for": purpose]
        query["at"] = at
        query["team"] = team
        let gate = try await BerthClient(base: base, token: token).get(
            ["v1", "environments", environment, "gate"], query: query, as: Gate.self)
        FileHandle.standardOutput.say(gate.text(of: environment))
        if gate.state != "open" { throw ExitCode(1) }
    }

    /// What the server says.
    private struct Gate: Decodable {
        struct Reason: Decodable {
            var kind: String
            var reference: String?
            var title: String
            var blocksUntil: String?
        }

        struct Transition: Decodable {
            var at: String
            var state: String
        }

        var state: String
        var at: String
        var reasons: [Reason]
        var next: Transition?

        func text(of environment: String) -> String {
            var lines = ["\(environment) is \(state) at \(at)"]
            for reason in reasons {
                let named = [reason.reference, reason.title].compactMap { $0 }.joined(
                    separator: " ")
                lines.append(
                    "  \(reason.kind): \(named)" + (reason.blocksUntil.map { " until \($0)" } ?? "")
                )
            }
            if let next { lines.append("  \(next.state) from \(next.at)") }
            return lines.joined(separator: "\n")
        }
    }
}
