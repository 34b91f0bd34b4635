import ArgumentParser
import BerthCore
import BerthServer
import Configuration
import Foundation

/// `berth serve`: the service.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serves the booking API.",
        discussion: """
            Without a database URL, Berth runs its own private PostgreSQL in the data directory: over a \
            Unix socket only, started and stopped with the server. It is ready when /readyz says 200.
            What GitHub's webhooks are signed with has no flag: BERTH_GITHUB_SECRET, berth.github.secret.
            """)

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var address: AddressOptions
    @Option(
        help: ArgumentHelp(
            Setting.auditAt.help(
                "Audit every night at this time, in UTC; one server of several does it. Default: never."
            ),
            valueName: "HH:MM"))
    var auditAt: String?

    func run() async throws {
        let settings = try await database.settings()
        let auditAt = try (auditAt ?? settings.string(.auditAt)).map(NightlyAudit.init)
        let server = Server(
            location: try await database.location(),
            address: try address.resolved(settings),
            githubSecret: settings.string(.githubSecret, isSecret: true),
            nightlyAudit: auditAt,
            logger: try await database.logger())
        try await server.run()
    }
}

/// Where a server listens, and how much it takes of its database.
struct AddressOptions: ParsableArguments {
    @Option(help: ArgumentHelp(Setting.host.help("The address to listen on; default: 127.0.0.1.")))
    var host: String?
    @Option(
        help: ArgumentHelp(
            Setting.port.help("The port to listen on; default: 8080; 0: any free one.")))
    var port: Int?
    @Option(
        help: ArgumentHelp(
            Setting.publicURL.help(
                "Where people reach Berth; links in calendars begin with it; default: http://HOST:PORT."
            ),
            valueName: "url"))
    var publicUrl: String?
    @Option(
        help: ArgumentHelp(
            Setting.connections.help("Connections to PostgreSQL, at most; default: 16.")))
    var connections: Int?

    @Option(
        help: ArgumentHelp(
            Setting.trustedProxies.help(
                "A proxy that is believed about where requests come from; may be repeated; in the variable, commas "
                    + "stand between."),
            valueName: "address or block"))
    var trustedProxy: [String] = []
    @Option(
        help: ArgumentHelp(
            Setting.connectionsPerAddress.help(
                "Connections from one address, at most; 0: any number; default: 256."),
            valueName: "number"))
    var connectionsPerAddress: Int?

    /// What flags leave open, variables and the file say. Throws for what is no address.
    func resolved(_ settings: ConfigReader) throws -> ServerAddress {
        let proxies =
            trustedProxy.isEmpty
            ? settings.stringArray(forKey: Setting.trustedProxies.key, default: []) : trustedProxy
        let perAddress =
            try connectionsPerAddress ?? settings.int(.connectionsPerAddress)
            ?? Limits.connectionsPerAddress
        guard perAddress >= 0 else {
            throw ValidationError("--connections-per-address is a number from 0 on")
        }
        let port = try port ?? settings.int(.port) ?? 8080
        guard (0...65_535).contains(port) else {
            throw ValidationError("--port \(port): a port is a number from 0 to 65535")
        }
        return ServerAddress(
            host: host ?? settings.string(.host) ?? "127.0.0.1",
            port: port,
            publicURL: publicUrl ?? settings.string(.publicURL),
            connections: try connections ?? settings.int(.connections) ?? 16,
            trustedProxies: try TrustedProxies(proxies), connectionsPerAddress: perAddress)
    }
}

/// Where a server listens, and how many connections it may open to its database.
struct ServerAddress {
    var host: String
    var port: Int
    /// Where people reach it, as far as somebody said; without a slash at the end.
    var publicURL: String?
    var connections: Int
    /// Whose word counts for where requests come from.
    var trustedProxies: TrustedProxies
    /// The most connections of clients from one address; 0: any number.
    var connectionsPerAddress: Int
}
