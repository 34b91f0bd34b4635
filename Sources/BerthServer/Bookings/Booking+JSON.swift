import BerthCore

extension Booking {
    /// Writes the booking as the API shows it.
    func write(_ json: inout JSONWriter) {
        json.object { writeMembers(&$0, reference: reference.description) }
    }

    /// Writes a new booking, with what gave way to it.
    func writeBooked(_ json: inout JSONWriter) {
        json.object { json in
            writeMembers(&json, reference: reference.description)
            writeDisplaced(&json)
        }
    }

    /// Writes what a dry run would have booked: it has no reference yet.
    func writeUnbooked(_ json: inout JSONWriter) {
        json.object { json in
            writeMembers(&json, reference: nil)
            writeDisplaced(&json)
        }
    }

    private func writeDisplaced(_ json: inout JSONWriter) {
        guard !life.displaces.isEmpty else { return }
        json.name("displaces")
        json.array(life.displaces) { $1.write(&$0) }
    }

    /// Writes the first booking of a series, and the conflicts that others were skipped for.
    func write(_ json: inout JSONWriter, unbooked: Bool, skipped: [Conflict]) {
        json.object { json in
            writeMembers(&json, reference: unbooked ? nil : reference.description)
            json.name("skipped")
            json.array(skipped) { $1.write(&$0) }
        }
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
        json.name("recurrence")
        if let recurrence = life.occurrence?.recurrence {
            recurrence.write(&json)
        } else {
            json.null()
        }
        json.member("series", life.occurrence?.series.description)
        json.member("recurrenceId", life.occurrence?.recurrenceID)
        json.name("approvals")
        json.array(life.approvals) { $1.write(&$0) }
        json.member("checkedInAt", life.checkedInAt)
        json.member("releasedAt", releasedAt)
        json.member("holdExpiresAt", life.holdExpiresAt)
        json.member("leaseSeconds", life.leaseSeconds)
        json.member("leaseExpiresAt", life.leaseExpiresAt)
        json.member("waitPosition", life.waitPosition)
        json.member("waitUntil", life.waitUntil)
        json.member("displacedBy", life.displacedBy)
        json.member("version", version)
        json.member("createdAt", createdAt)
        json.member("updatedAt", updatedAt)
    }
}

extension Approval {
    /// Writes what an owner says.
    func write(_ json: inout JSONWriter) {
        json.object { json in
            json.member("environment", environment)
            json.member("ownerTeam", ownerTeam)
            json.member("state", state.rawValue)
            json.member("by", by)
            json.member("at", at)
            json.member("note", note)
        }
    }
}

extension RecurrenceText {
    /// Writes how a series recurs.
    func write(_ json: inout JSONWriter) {
        json.object { json in
            json.member("rrule", rrule)
            json.name("exdate")
            json.array(exdates) { $0.value($1) }
            json.name("rdate")
            json.array(rdates) { $0.value($1) }
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
                to: JSONObject(written: booking.write),
                except: ["version", "updatedAt", "waitPosition"])
        }
    }
}
