/// What was wrong with one field of what was sent.
public struct FieldFault: Sendable, Equatable {
    /// Where, as an RFC 6901 JSON Pointer (`/startsAt`) or the name of a query parameter (`limit`).
    public var pointer: String
    /// What is wrong with the value, and the remedy.
    public var detail: String

    /// A fault at a place.
    public init(_ pointer: String, _ detail: String) {
        self.pointer = pointer
        self.detail = detail
    }
}

/// One rule of one environment that a booking would break.
public struct Violation: Sendable, Equatable {
    /// The environment's key.
    public var environment: String
    /// The rule, by its name in the policy: `maxHours`.
    public var rule: String
    /// What the rule allows, and what was asked, in the unit that the rule's name ends with.
    public var limit: String
    /// What was asked.
    public var value: String
    /// What is wrong and what is allowed, in a sentence.
    public var detail: String

    /// A broken rule.
    public init(environment: String, rule: String, limit: String, value: String, detail: String) {
        self.detail = detail
        self.environment = environment
        self.rule = rule
        self.limit = limit
        self.value = value
    }
}

/// Every way in which Berth says no. The server turns each into one RFC 9457 problem, in one place.
public enum BerthError: Error, Sendable, Equatable {
    /// The request is malformed, or values in it are.
    case invalid([FieldFault])
    /// The environments' policies do not allow it.
    case policy([Violation])
    /// Somebody else holds what it needs.
    case conflict(Refusal)
    /// The record's state does not allow it.
    case illegalMove(String)
    /// There is nothing of that name that the caller may see.
    case notFound(String)
    /// The caller may see it and not do this.
    case forbidden(String)
    /// The name is taken.
    case alreadyExists(String)
    /// No token, or not one that Berth knows.
    case unauthenticated
    /// `If-Match` names another version than the present one.
    case stale(current: Int)
    /// The edit came without `If-Match`.
    case preconditionRequired
    /// The `Idempotency-Key` was used for another request.
    case idempotencyKeyReused
    /// The first request with this `Idempotency-Key` is still running.
    case requestInFlight
    /// Berth is too busy, or its database is away; nothing was done.
    case unavailable(retryAfterSeconds: Int)
    /// The database has no room left; nothing was done.
    case storageFull
    /// The database stopped answering after it was told to commit: it may have been done.
    case outcomeUnknown

    /// One fault of one field.
    public static func invalid(_ pointer: String, _ detail: String) -> BerthError {
        .invalid([FieldFault(pointer, detail)])
    }
}
