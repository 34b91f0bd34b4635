import BerthCore
import HTTPTypes

extension Problem {
    /// The problem that each refusal is answered with. The one place that turns words into status
    /// codes.
    init(_ error: BerthError) {
        switch error {
        case .invalid(let faults):
            self.init(.invalid, Self.summary(of: faults))
            errors = Array(faults.prefix(Limits.faultsListed))
        case .policy(let violations):
            let more = violations.count > 1 ? "; \(violations.count - 1) more" : ""
            self.init(.policy, violations.first.map { $0.detail + more })
            self.violations = violations
        case .conflict(let refusal):
            self.init(.bookingConflict, Self.summary(of: refusal))
            self.refusal = refusal
        case .illegalMove(let detail): self.init(.illegalMove, detail)
        case .notFound(let detail): self.init(.notFound, detail)
        case .forbidden(let detail): self.init(.forbidden, detail)
        case .alreadyExists(let detail): self.init(.alreadyExists, detail)
        case .unauthenticated:
            self.init(
                .unauthenticated, "send Authorization: Bearer with a token that is not revoked")
        case .stale(let current):
            self.init(.stale, "its version is \(current) by now: read it again")
            headers[.eTag] = "\"\(current)\""
        case .preconditionRequired:
            self.init(.preconditionRequired, "send If-Match with the ETag that was last seen")
        case .idempotencyKeyReused:
            self.init(.idempotencyKeyReused, "use a new Idempotency-Key for each request")
        case .requestInFlight:
            self.init(.requestInFlight, "wait for it, then repeat this one")
        case .unavailable(let seconds):
            self.init(.unavailable, "nothing was done: try again later")
            headers[.retryAfter] = String(max(1, seconds))
        case .storageFull:
            self.init(.storageFull, "nothing was done: whoever runs Berth has to make room")
            headers[.retryAfter] = "60"
        case .outcomeUnknown:
            self.init(
                .outcomeUnknown,
                "it may have been done: repeat it with the same Idempotency-Key, or look")
            headers[.retryAfter] = "2"
        }
    }

    private static func summary(of faults: [FieldFault]) -> String {
        guard let fault = faults.first, faults.count == 1 else {
            return "\(faults.count) things are wrong with it"
        }
        return fault.pointer.isEmpty
            ? "the body \(fault.detail)" : "\(fault.pointer) \(fault.detail)"
    }

    private static func summary(of refusal: Refusal) -> String? {
        guard let conflict = refusal.conflicts.first else { return refusal.advice }
        let through = conflict.via.last.map { ", through \($0)," } ?? ""
        let who =
            conflict.kind == .booking
            ? "\(conflict.isPending ? "asked for" : "held") by \(conflict.reference) "
                + "(\(conflict.team ?? conflict.holder)\(conflict.isPending ? ", to be approved" : ""))"
            : "under \(conflict.kind.rawValue) by \(conflict.reference) (\(conflict.title))"
        var text =
            "\(conflict.environment)\(through) is \(who) until \(RFC3339.string(conflict.blocksUntil))"
        if let recurrenceID = conflict.recurrenceID {
            text += ", in the way of the occurrence at \(RFC3339.string(recurrenceID))"
        }
        if let moving = conflict.moving { text += ", in the way of \(moving)" }
        return [text, refusal.advice].compactMap(\.self).joined(separator: "; ")
    }
}
