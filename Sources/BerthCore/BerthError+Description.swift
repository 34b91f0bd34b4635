extension BerthError: CustomStringConvertible {
    /// What went wrong, in a sentence, for whoever reads it on a terminal or in a log.
    public var description: String {
        switch self {
        case .invalid(let faults):
            faults.map { $0.pointer.isEmpty ? $0.detail : "\($0.pointer) \($0.detail)" }
                .joined(separator: "; ")
        case .policy(let violations): violations.map(\.detail).joined(separator: "; ")
        case .conflict(let refusal):
            refusal.conflicts.isEmpty
                ? "somebody else holds it"
                : refusal.conflicts.map {
                    "\($0.environment) is held by \($0.reference) until \(RFC3339.string($0.blocksUntil))"
                }.joined(separator: "; ")
        case .illegalMove(let detail), .notFound(let detail), .forbidden(let detail),
            .alreadyExists(let detail):
            detail
        case .unauthenticated: "no token, or not one that Berth knows"
        case .stale(let current): "it has changed meanwhile: its version is \(current)"
        case .preconditionRequired: "the edit does not say which version it is based on"
        case .idempotencyKeyReused: "the key was used for another request"
        case .requestInFlight: "the first request with this key is still running"
        case .unavailable(let seconds):
            "the database is busy or away: nothing was done; try again in \(seconds) s"
        case .storageFull: "the disk of the database is full: nothing was done"
        case .outcomeUnknown:
            "the database stopped answering during the commit: it may have been done; look before doing it again"
        }
    }
}
