import ArgumentParser
import BerthDatabase
import Configuration
import Foundation
import Logging
import Postgres
import PostgresCluster
import SystemPackage

/// Which database a command works on.
struct DatabaseOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            Setting.databaseURL.help(
                "Any libpq connection string: postgres://… or 'host=… dbname=…'."),
            valueName: "url"))
    var databaseUrl: String?

    @Option(
        help: ArgumentHelp(
            Setting.dataDirectory.help(
                "Where Berth keeps a PostgreSQL of its own; used when there is no URL."),
            valueName: "dir"))
    var dataDir: String?

    @Option(
        help: ArgumentHelp(
            "A JSON file of settings: {\"berth\": {\"port\": 8080, …}}, by the keys named here.",
            valueName: "file"))
    var config: String?

    @Option(
        help: ArgumentHelp(
            Setting.logLevel.help(
                "How much is logged to standard error: debug, info, notice, warning, error."),
            valueName: "level"))
    var logLevel: Logger.Level?

    init() {}

    /// Another database, otherwise as these say.
    init(url: String, like others: DatabaseOptions) {
        databaseUrl = url
        config = others.config
        logLevel = others.logLevel
    }

    /// Where a data directory is when nobody says.
    static let defaultDataDirectory = ".berth/data"

    /// Environment variables, then the file. A flag wins over both.
    func settings() async throws -> ConfigReader {
        var providers: [any ConfigProvider] = [EnvironmentVariablesProvider()]
        if let config {
            try Setting.requireKnown(in: config)
            providers.append(try await FileProvider<JSONSnapshot>(filePath: FilePath(config)))
        }
        return ConfigReader(providers: providers).scoped(to: "berth")
    }

    /// Whether a flag, a variable or the file names a database.
    var isNamed: Bool {
        get async throws {
            if databaseUrl != nil || dataDir != nil { return true }
            let settings = try await settings()
            return settings.string(.databaseURL) != nil || settings.string(.dataDirectory) != nil
        }
    }

    /// The database, by what flags, variables and the file say.
    func location() async throws -> DatabaseLocation {
        let settings = try await settings()
        if let url = databaseUrl ?? (dataDir == nil ? settings.string(.databaseURL) : nil) {
            return .url(url)
        }
        return .directory(
            dataDir ?? settings.string(.dataDirectory) ?? Self.defaultDataDirectory)
    }

    /// A logger to standard error.
    func logger() async throws -> Logger {
        let named = try await settings().string(.logLevel)
        let level = logLevel ?? named.flatMap(Logger.Level.init(rawValue:))
        var logger = Logger(label: "berth", factory: StreamLogHandler.standardError(label:))
        logger.logLevel = level ?? .notice
        return logger
    }

    /// Runs a command's work on the migrated database. A cluster in a data directory is joined, or started
    /// for as long as the work takes; a new one is made only by who may. A standby, where one may be, is as its primary migrated it.
    func withDatabase<Value: Sendable>(
        mayBeStandby: Bool = false, mayBeNew: Bool = false,
        _ body: @Sendable (BerthDatabase) async throws -> Value
    ) async throws -> Value {
        let logger = try await logger()
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let location = try await location()
        if !mayBeNew { try location.requireCluster() }
        let opened = try await location.open(exclusive: false, logger: quiet)
        let result: Result<Value, any Error>
        do {
            let client = try PostgresClient(
                configuration: opened.configuration(connections: 4), logger: quiet)
            result = .success(
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await client.run() }
                    defer { group.cancelAll() }
                    let follows = mayBeStandby ? try await client.isStandby : false
                    if !follows {
                        try await SchemaMigrator(client: client, logger: logger).migrate()
                    }
                    return try await body(BerthDatabase(client: client))
                })
        } catch {
            result = .failure(error)
        }
        await opened.cluster?.close()
        return try result.get()
    }
}

extension PostgresClient {
    /// Whether it is a copy that only follows another server.
    var isStandby: Bool {
        get async throws {
            let rows = try await query("SELECT pg_is_in_recovery()")
            return try rows[rows.startIndex].decode(Bool.self)
        }
    }
}

/// Where a database is.
enum DatabaseLocation {
    case url(String)
    case directory(String)

    /// Throws when it is a directory in which no database was made: it may be mistyped.
    func requireCluster() throws {
        guard case .directory(let directory) = self,
            !FileManager.default.fileExists(atPath: "\(directory)/postgres")
        else { return }
        throw ValidationError(
            "there is no database in \(directory): --data-dir or BERTH_DATA_DIR says where it is; "
                + "berth serve makes a new one, and so does berth migrate")
    }

    /// Connects to it, or opens the cluster in the directory.
    func open(exclusive: Bool, logger: Logger) async throws -> OpenedDatabase {
        switch self {
        case .url(let url): return OpenedDatabase(connectionString: url, cluster: nil)
        case .directory(let directory):
            let cluster = try await PostgresCluster.open(
                dataDirectory: directory, logger: logger, exclusive: exclusive)
            return OpenedDatabase(connectionString: cluster.connectionString, cluster: cluster)
        }
    }
}

/// A database that can be connected to.
struct OpenedDatabase {
    var connectionString: String
    /// The cluster that Berth runs for itself, if it does.
    var cluster: PostgresCluster?

    /// How Berth connects to it.
    func configuration(connections: Int) -> PostgresConfiguration {
        var configuration = PostgresConfiguration(connectionString: connectionString)
        configuration.maxConnections = connections
        // What Berth asks is small and often: compiling it costs more than it saves.
        configuration.sessionParameters = [("jit", "off")]
        return configuration
    }
}

extension Logger.Level: @retroactive ExpressibleByArgument {}
