import Foundation

/// What is installed in an environment, as last seen.
public struct Inventory: Sendable, Equatable {
    /// The environment's key.
    public var environment: String
    /// When it was seen; nil: never.
    public var observedAt: Date?
    /// Versions by component.
    public var components: [String: String]

    /// A snapshot.
    public init(environment: String, observedAt: Date?, components: [String: String]) {
        self.environment = environment
        self.observedAt = observedAt
        self.components = components
    }
}

/// What differs between two snapshots of an environment.
public struct InventoryDifference: Sendable, Equatable {
    /// The component.
    public var component: String
    /// Its version before; nil: it was not there.
    public var from: String?
    /// Its version now; nil: it is gone.
    public var to: String?
    /// The logged change that explains it.
    public var explainedBy: Int64?
    /// When it will be logged as uncontrolled, unless a change explains it by then.
    public var settlesAt: Date?

    /// A difference.
    public init(
        component: String, from: String?, to: String?, explainedBy: Int64?, settlesAt: Date?
    ) {
        self.component = component
        self.from = from
        self.to = to
        self.explainedBy = explainedBy
        self.settlesAt = settlesAt
    }
}
