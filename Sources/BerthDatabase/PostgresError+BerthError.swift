import BerthCore
import Postgres

/// Runs database work, turning its errors into what the caller can understand. The one place that knows
/// SQLSTATEs and the names of constraints.
func translatingErrors<Value>(
    isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> sending Value
) async throws -> sending Value {
    do {
        return try await body()
    } catch let error as PostgresError {
        throw error.berthError ?? error
    }
}

extension PostgresError {
    /// What it means to the caller, or nil when only to us.
    var berthError: BerthError? {
        if outcomeUnknown { return .outcomeUnknown }
        switch kind {
        case .poolTimeout, .connectionFailed, .connectionLost, .deadlineExceeded, .shutDown:
            return .unavailable(retryAfterSeconds: 1)
        case .server:
            return constraintName.flatMap(Self.byConstraint) ?? sqlState.flatMap(Self.bySQLState)
        case .decoding, .encoding, .transactionAborted, .configuration, .unsupported:
            return nil
        }
    }

    /// Whether a decision met a rule about claims, so that its reasons should be looked up.
    var isConflict: Bool {
        sqlState == "23P01"
    }

    /// Whether a lock did not come in time; nothing was done.
    var isLockTimeout: Bool {
        sqlState == "55P03"
    }

    private static func byConstraint(_ name: String) -> BerthError? {
        switch name {
        case "team_name_is_unique", "team_name_is_unlike_others":
            .alreadyExists("a team of that name exists")
        case "environment_key_is_unique": .alreadyExists("an environment with that key exists")
        case "inventory_is_newer": .illegalMove("a later snapshot of this environment is known")
        case "window_import_is_unique": .alreadyExists("that window was imported before")
        case "mapping_is_unique":
            .alreadyExists("that name is mapped already: delete that mapping first")
        case "token_name_is_unique": .alreadyExists("a token of that name is in use")
        case "token_name_is_unlike_others":
            .alreadyExists("a token whose name looks like that is in use: choose another name")
        case "token_name_is_plain":
            .invalid(
                "/name",
                "begins or ends with a space, or has a character that cannot be seen: leave it out")
        case "environment_part_exists":
            .invalid("/parts", "names an environment that does not exist")
        case "environment_parts_have_no_cycle":
            .invalid("/parts", "would make an environment contain itself: leave that part out")
        case "booking_environment_exists":
            .invalid("/environments", "names an environment that does not exist")
        case "idempotency_key_is_used_once": .requestInFlight
        default: nil
        }
    }

    private static func bySQLState(_ state: String) -> BerthError? {
        switch state {
        case "53100": .storageFull
        // Serialization failure and deadlock, after the retries; a lock that did not come in time; a standby that was
        // promoted away.
        case "40001", "40P01", "55P03", "25006": .unavailable(retryAfterSeconds: 1)
        // No memory or no room for connections; cancelled, shutting down, starting up.
        case _ where state.hasPrefix("53") || state.hasPrefix("57"):
            .unavailable(retryAfterSeconds: 1)
        default: nil
        }
    }
}
