import BerthCore
import Foundation

extension Change {
    /// Writes the entry as the API shows it.
    func write(_ json: inout JSONWriter) {
        write(&json, id: id)
    }

    /// Writes what an entry would be: it has no place in the log, and so no link in its chain.
    func writeTried(_ json: inout JSONWriter) {
        write(&json, id: nil)
    }

    private func write(_ json: inout JSONWriter, id: Int64?) {
        json.object { json in
            json.member("id", id.map(Int.init))
            json.member("environment", draft.environment)
            json.member("occurredAt", draft.occurredAt)
            json.member("recordedAt", recordedAt)
            json.member("recordedBy", recordedBy)
            json.member("source", draft.source)
            json.member("sourceId", draft.sourceID)
            json.member("actor", draft.actor)
            json.member("team", draft.team)
            json.member("claimedTeam", draft.claimedTeam)
            json.member("kind", draft.kind.rawValue)
            json.member("summary", draft.summary)
            json.member("component", draft.component)
            json.member("version", draft.version)
            json.member("ticket", draft.ticket)
            json.name("emergency")
            if let reason = draft.emergency {
                json.object { $0.member("reason", reason) }
            } else {
                json.null()
            }
            json.name("corrects")
            if let corrects = draft.corrects { json.value(corrects) } else { json.null() }
            json.member("control", control.rawValue)
            json.member("judgedAs", judgedAs.rawValue)
            json.member("reasons", reasons)
            json.member("window", window?.description)
            json.member("bookingsHit", bookingsHit.map(\.description))
            json.member("late", isLate)
            json.member("approvedLate", approvedLate)
            json.name("review")
            if let review { review.write(&json) } else { json.null() }
            json.name("supersededBy")
            if let supersededBy { json.value(supersededBy) } else { json.null() }
            json.member(
                "hash",
                id == nil ? nil : hash.map { String($0, radix: 16).leftPadded(to: 2) }.joined())
        }
    }
}

extension Change.Review {
    fileprivate func write(_ json: inout JSONWriter) {
        json.object { json in
            json.member("state", state.rawValue)
            json.member("by", by)
            json.member("at", at)
            json.member("note", note)
        }
    }
}

extension String {
    fileprivate func leftPadded(to width: Int) -> String {
        String(repeating: "0", count: max(0, width - utf8.count)) + self
    }
}

extension Gate {
    /// Writes the answer of a gate.
    func write(_ json: inout JSONWriter) {
        json.object { json in
            json.member("environment", environment)
            json.member("state", state.rawValue)
            json.member("for", purpose.rawValue)
            json.member("at", at)
            json.member("team", team)
            json.name("reasons")
            json.array(reasons) { $1.write(&$0, on: environment) }
            json.name("openedBy")
            json.array(openedBy) { $1.write(&$0) }
            json.name("wouldHit")
            json.array(wouldHit) { $1.write(&$0) }
            json.name("next")
            if let next {
                json.object { json in
                    json.member("at", next)
                    json.member("state", state == .open ? "closed" : "open")
                }
            } else {
                json.null()
            }
        }
    }
}

extension Gate.Reason {
    /// Writes a reason in the shape of a conflict; what is no booking and no window has neither holder nor time.
    fileprivate func write(_ json: inout JSONWriter, on environment: String) {
        switch fact {
        case .holder(let conflict): conflict.write(&json)
        case .noWindow(let requested):
            Self.write(
                &json, on: environment, kind: "no-window", reference: requested?.description,
                title: requested == nil
                    ? "no approved change window, and the environment's changes are closed"
                    : "its change window is not approved", until: nil)
        case .status(let status, let reason, let until):
            Self.write(
                &json, on: environment, kind: "status", reference: nil,
                title: reason ?? "the environment is \(status)", until: until)
        }
    }

    private static func write(
        _ json: inout JSONWriter, on environment: String, kind: String, reference: String?,
        title: String, until: Date?
    ) {
        let none: String? = nil
        let noInstant: Date? = nil
        json.object { json in
            json.member("environment", environment)
            json.member("via", [String]())
            json.member("kind", kind)
            json.member("reference", reference)
            json.member("title", title)
            json.member("team", none)
            json.member("holder", none)
            json.member("contact", none)
            json.member("startsAt", noInstant)
            json.member("endsAt", until)
            json.member("blocksFrom", noInstant)
            json.member("blocksUntil", until)
            json.member("mode", none)
            json.member("isPending", false)
        }
    }
}
