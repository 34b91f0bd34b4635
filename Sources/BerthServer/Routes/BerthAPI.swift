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
    let keysInFlight = KeysInFlight()
    let patience = Patience()
}
