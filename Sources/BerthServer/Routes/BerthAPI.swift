import BerthCore
import BerthDatabase
import Foundation

/// What the handlers of all routes work with.
struct BerthAPI: Sendable {
    let database: BerthDatabase
    let metrics: ServerMetrics
    /// The text of `openapi.yaml`.
    let contract: String
    let clock: @Sendable () -> Date
    /// Where people reach Berth.
    let publicURL: PublicURL
    /// What GitHub signs its deliveries with; nil: no delivery is good.
    let githubSecret: String?
    let security: SecurityLog
    /// The proxies that are believed about where a request comes from.
    let proxies: TrustedProxies
    let connections: ConnectionRegistry
    let doorkeeper: Doorkeeper
    let stream: StreamHub
    /// The commit that the program was built from.
    let revision: String
    let keysInFlight = KeysInFlight()
    let patience = Patience()
    let timelines = TimelineAnswers()

    init(
        database: BerthDatabase, metrics: ServerMetrics, contract: String,
        clock: @escaping @Sendable () -> Date, publicURL: PublicURL, githubSecret: String?,
        security: SecurityLog, proxies: TrustedProxies = TrustedProxies(),
        connections: ConnectionRegistry = ConnectionRegistry(), stream: StreamHub,
        revision: String = "unknown"
    ) {
        self.database = database
        self.metrics = metrics
        self.contract = contract
        self.clock = clock
        self.publicURL = publicURL
        self.githubSecret = githubSecret
        self.security = security
        self.proxies = proxies
        self.connections = connections
        self.stream = stream
        self.revision = revision
        doorkeeper = Doorkeeper(database: database, security: security, publicURL: publicURL)
    }
}
