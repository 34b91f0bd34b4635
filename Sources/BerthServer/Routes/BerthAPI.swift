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
    var githubSecret: String?
    let keysInFlight = KeysInFlight()
    let patience = Patience()
}
