import BerthCore
import BerthDatabase
import BerthServer
import CRevision
import Foundation
import Logging
import NIOCore
import NIOPosix
import Postgres
import PostgresCluster
import ServiceLifecycle
import UnixSignals

/// Everything that `berth serve` runs: the cluster, the pool, what time brings about, and HTTP.
struct Server {
    var location: DatabaseLocation
    var address: ServerAddress
    /// What GitHub signs its deliveries with.
    var githubSecret: String?
    /// When it audits, if it does.
    var nightlyAudit: NightlyAudit?
    var logger: Logger
    /// Done on the migrated database before the server listens.
    var prepare: @Sendable (BerthDatabase) async throws -> Void = { _ in }
    /// Told the port once the server listens.
    var whenReady: @Sendable (Int) async -> Void = { _ in }

    /// Serves until SIGTERM or SIGINT; then finishes what is under way, closes its connections, and stops
    /// the cluster that it started.
    func run() async throws {
        // Handlers run on the threads that read their requests: no hop between threads for each step.
        // Nothing in Berth blocks a thread.
        NIOSingletons.unsafeTryInstallSingletonPosixEventLoopGroupAsConcurrencyGlobalExecutor()

        // Before anything is made or migrated: whoever mistyped a port wants to hear of that first.
        try await address.requireFree()
        let opened = try await location.open(exclusive: true, logger: logger)
        let result: Result<Void, any Error>
        do {
            result = .success(try await serve(opened))
        } catch {
            result = .failure(error)
        }
        await opened.cluster?.close()
        try result.get()
    }

    private func serve(_ opened: OpenedDatabase) async throws {
        let client = try PostgresClient(
            configuration: opened.configuration(connections: address.connections), logger: logger)
        let clientRunning = Task { try await client.run() }
        defer { clientRunning.cancel() }
        try await SchemaMigrator(client: client, logger: logger).migrate()
        let database = BerthDatabase(client: client)
        try await prepare(database)

        let stream = StreamHub(database: database, logger: logger)
        let application = buildApplication(
            database: database, settings: settings, contract: try Contract.text(), stream: stream,
            logger: logger, securityLogger: securityLogger,
            onRunning: { port in
                logger.notice("serving", metadata: ["url": "http://\(address.host):\(port)"])
                await whenReady(port)
            })
        var services: [any Service] = []
        if let cluster = opened.cluster { services.append(cluster) }
        services += [
            Background { await Clockwork(database, logger: logger).run { Date() } },
            Background { await database.watchTokens() },
            application,
            // Stopped first: the application waits for every stream.
            stream,
        ]
        if let nightlyAudit {
            services.append(Background { await nightlyAudit.run(database, logger: logger) })
        }
        do {
            try await ServiceGroup(
                services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger
            ).run()
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw ServerError.addressInUse(address)
        }
    }
}

extension Server {
    private var settings: ServerSettings {
        var settings = ServerSettings(host: address.host, port: address.port)
        settings.publicURL = address.publicURL
        settings.revision = String(cString: berth_revision())
        settings.githubSecret = githubSecret
        settings.trustedProxies = address.trustedProxies
        settings.connectionsPerAddress = address.connectionsPerAddress
        // A server that can open no file more cannot accept either, and never learns why.
        let others = address.connections + settings.reservedConnections + Self.otherFiles
        let files = OpenFiles.raisedLimit()
        if files - others < settings.connections {
            settings.connections = max(1, files - others)
            logger.warning(
                "fewer connections than usual: raise the limit of open files (ulimit -n)",
                metadata: ["connections": "\(settings.connections)", "files": "\(files)"])
        }
        return settings
    }

    /// Files that are open beside connections: libraries, logs, the event loops', and connections that
    /// are about to close.
    private static let otherFiles = 256

    /// Never quieter than its events are: who wants none of them filters by the label.
    private var securityLogger: Logger {
        var logger = Logger(
            label: "berth.security", factory: StreamLogHandler.standardError(label:))
        logger.logLevel = .notice
        return logger
    }
}

/// Why a server cannot serve.
private enum ServerError: Error, CustomStringConvertible {
    case addressInUse(ServerAddress)

    var description: String {
        switch self {
        case .addressInUse(let address):
            "another program listens on \(address.host):\(address.port): choose another port "
                + "with --port, or 0 for any that is free"
        }
    }
}

extension ServerAddress {
    /// Throws when another program listens there.
    fileprivate func requireFree() async throws {
        guard port > 0 else { return }
        do {
            let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: host, port: port).get()
            try await channel.close()
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            throw ServerError.addressInUse(self)
        }
    }
}

/// Work without an end of its own: cancelled when the server shuts down.
private struct Background: Service {
    var work: @Sendable () async -> Void

    func run() async throws {
        await cancelWhenGracefulShutdown { await work() }
    }
}
