import BerthCore
import BerthDatabase

extension ChangeWindow {
    /// Writes the window as the API shows it.
    func write(_ json: inout JSONWriter) {
        json.object { writeMembers(&$0) }
    }

    fileprivate func writeMembers(_ json: inout JSONWriter, isUnplanned: Bool = false) {
        let known: String? = isUnplanned ? nil : reference.description
        json.member("reference", known)
        json.member("kind", draft.kind.rawValue)
        json.member("state", state.rawValue)
        json.member("stateReason", stateReason)
        json.member("environments", environments)
        json.name("labels")
        if let labels = draft.labels { json.value(labels) } else { json.null() }
        json.member("includeParts", draft.includeParts)
        json.member("team", draft.team)
        json.member("title", draft.title)
        json.member("ticket", draft.ticket)
        json.member("notes", draft.notes)
        json.member("requestedBy", requestedBy)
        json.name("approvals")
        json.array(approvals) { $1.write(&$0) }
        json.member("approvedAt", approvedAt)
        json.member("exceptionTo", draft.exceptionTo?.description)
        json.name("emergency")
        if let reason = draft.emergency {
            json.object { $0.member("reason", reason) }
        } else {
            json.null()
        }
        json.member("onConflict", draft.onConflict.rawValue)
        json.member("startsAt", draft.startsAt)
        json.member("endsAt", draft.endsAt)
        json.member("timeZone", draft.timeZone)
        json.name("recurrence")
        if let recurrence = draft.recurrence { recurrence.write(&json) } else { json.null() }
        json.member("occurrences", starts.count)
        json.member("version", version)
        json.member("createdAt", createdAt)
        json.member("updatedAt", updatedAt)
    }
}

extension PlannedWindow {
    /// Writes the window, and what it lies over.
    func write(_ json: inout JSONWriter, isUnplanned: Bool = false) {
        json.object { json in
            window.writeMembers(&json, isUnplanned: isUnplanned)
            json.name("hits")
            json.array(hits) { $1.write(&$0) }
            json.name("displaces")
            json.array(displaces) { $1.write(&$0) }
        }
    }
}

extension WindowVersion {
    /// Writes what a window was, and how it differs from the version before; nil for the first.
    func write(_ json: inout JSONWriter, since previous: WindowVersion?) {
        json.object { json in
            json.member("version", window.version)
            json.member("at", validFrom)
            json.member("by", by)
            json.member("state", window.state.rawValue)
            json.member("stateReason", window.stateReason)
            json.name("changes")
            json.changes(
                from: previous.flatMap { JSONObject(written: $0.window.write) },
                to: JSONObject(written: window.write), except: ["version", "updatedAt"])
        }
    }
}
