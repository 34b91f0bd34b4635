import BerthCore

extension Booking {
    /// Writes the booking as the API shows it.
    func write(_ json: inout JSONWriter) {
        json.object { writeMembers(&$0, reference: reference.description) }
    }

    /// Writes what a dry run would have booked: it has no reference yet.
    func writeUnbooked(_ json: inout JSONWriter) {
        json.object { writeMembers(&$0, reference: nil) }
    }

    private func writeMembers(_ json: inout JSONWriter, reference: String?) {
        json.member("reference", reference)
        json.member("state", state.rawValue)
        json.member("stateReason", stateReason)
        json.member("environments", environments)
        json.member("startsAt", startsAt)
        json.member("endsAt", endsAt)
        json.member("timeZone", timeZone)
        json.member("title", title)
        json.member("team", team)
        json.member("contact", contact)
        json.member("mode", mode.rawValue)
        json.member("ticket", ticket)
        json.member("notes", notes)
        json.member("labels", labels)
        json.member("priority", priority.rawValue)
        json.member("requestedBy", requestedBy)
        writeAbsent(["recurrence", "series", "recurrenceId"], &json)
        json.member("approvals", [String]())
        writeAbsent(["checkedInAt"], &json)
        json.member("releasedAt", releasedAt)
        writeAbsent(
            ["holdExpiresAt", "leaseSeconds", "waitPosition", "waitUntil", "displacedBy"], &json)
        json.member("version", version)
        json.member("createdAt", createdAt)
        json.member("updatedAt", updatedAt)
    }

    /// Members that are part of the shape, and of which this version knows nothing.
    private func writeAbsent(_ names: [StaticString], _ json: inout JSONWriter) {
        for name in names {
            json.name(name)
            json.null()
        }
    }
}

extension BookingVersion {
    /// Writes what a booking was, and how it differs from the version before; nil for the first.
    func write(_ json: inout JSONWriter, since previous: BookingVersion?) {
        json.object { json in
            json.member("version", booking.version)
            json.member("at", validFrom)
            json.member("by", by)
            json.member("state", booking.state.rawValue)
            json.member("stateReason", booking.stateReason)
            json.name("changes")
            json.changes(
                from: previous.flatMap { JSONObject(written: $0.booking.write) },
                to: JSONObject(written: booking.write), except: ["version", "updatedAt"])
        }
    }
}
