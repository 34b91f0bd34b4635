import BerthCore
import BerthDatabase
import Foundation
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

/// Builds the server. It runs no service of the database: the program does, and stops the server
/// first.
///
/// - Parameters:
///   - database: A database whose schema is the one that this program knows.
///   - settings: Where to listen, and the limits.
///   - contract: The text of `openapi.yaml`, served as it is.
///   - clock: Says when a request came: the `now` of everything that is decided for it.
///   - stream: What tells who listens what changed: a service that the program runs, and stops before the server.
///   - logger: Where the server writes what is of use to its operators.
///   - securityLogger: Where it writes who was let in and who was not, and what they did to rights.
///   - onRunning: Called once the server listens, with the port.
public func buildApplication(
    database: BerthDatabase, settings: ServerSettings, contract: String,
    clock: @escaping @Sendable () -> Date = { Date() }, stream: StreamHub, logger: Logger,
    securityLogger: Logger,
    onRunning: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
) -> some ApplicationProtocol {
    let metrics = ServerMetrics(routes: Routes.all)
    let connections = settings.registry
    let api = BerthAPI(
        database: database, metrics: metrics, contract: contract, clock: clock,
        publicURL: PublicURL(
            settings.publicURL ?? "http://\(settings.host):\(settings.port)"),
        githubSecret: settings.githubSecret,
        security: SecurityLog(logger: securityLogger, metrics: metrics),
        proxies: settings.trustedProxies, connections: connections, stream: stream,
        revision: settings.revision)
    return Application(
        router: buildRouter(api),
        server: .http1(configuration: settings.channel(connections)),
        // Nothing keeps the server from accepting: a full registry closes connections instead.
        configuration: ApplicationConfiguration(
            address: .hostname(settings.host, port: settings.port), backlog: settings.backlog),
        onServerRunning: { channel in
            await onRunning(channel.localAddress?.port ?? settings.port)
        },
        logger: logger)
}

/// Registers every route, and what answers OPTIONS, under the one middleware.
func buildRouter(_ api: BerthAPI) -> Router<BerthContext> {
    let router = Router(context: BerthContext.self)
    router.add(middleware: AnswerMiddleware(metrics: api.metrics, proxies: api.proxies))
    for route in Routes.all {
        let path = RouterPath(route.path)
        let responder = RouteResponder(route: route, api: api)
        router.on(path, method: route.method, responder: responder)
        if route.method == .get { router.on(path, method: .head, responder: responder) }
    }
    for (path, allow) in Routes.allowed {
        router.on(RouterPath(path), method: .options, responder: OptionsResponder(allow: allow))
    }
    return router
}

extension ServerSettings {
    fileprivate var registry: ConnectionRegistry {
        ConnectionRegistry(
            bounds: .init(
                total: connections, reserve: reservedConnections,
                perAddress: connectionsPerAddress),
            proxies: trustedProxies)
    }

    /// What Hummingbird and NIO are told for each connection.
    fileprivate func channel(_ connections: ConnectionRegistry) -> HTTP1Channel.Configuration {
        let times = ConnectionGuard.Times(
            head: TimeAmount(headTime), body: TimeAmount(bodyTime),
            silence: TimeAmount(silentTime), stall: TimeAmount(stallTime))
        return HTTP1Channel.Configuration(
            additionalChannelHandlers: [ConnectionGuard(times: times, registry: connections)],
            idleTimeout: TimeAmount(idleTime),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: headBytes, maxHeaderListSize: headBytes,
                maxHeaderFieldCount: headFields))
    }
}
