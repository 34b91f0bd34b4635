import BerthCore
import Foundation

extension BookingDraft {
    /// Reads what was posted. Throws `.invalid` with all that is wrong.
    init(posted object: JSONObject, by caller: Caller, now: Date) throws {
        self.init(
            environments: [], startsAt: now.flooredToSecond, endsAt: now, title: "",
            team: caller.team ?? "")
        var fields = FieldReader(object, isPatch: false)
        fields.require("title")
        if caller.team == nil, !fields.has("team") {
            fields.fault("team", "is required, because the token has no team")
        }
        switch (fields.has("environments"), fields.has("select")) {
        case (true, true): fields.fault("select", "stands beside environments: give one of the two")
        case (false, false): fields.fault("environments", "is required, or select in its place")
        case (true, false), (false, true): break
        }
        apply(&fields)
        applyPeriod(&fields)
        options = BookingOptions(&fields, for: self, now: now)
        try fields.finish()
    }

    /// What a booking is to be after a merge patch. Throws `.invalid` with all that is wrong.
    init(patching booking: Booking, with patch: JSONObject) throws {
        self.init(booking)
        var fields = FieldReader(patch, isPatch: true)
        apply(&fields)
        applyPeriod(&fields)
        fields.refuseChanges(of: Self.readOnlyFields, in: JSONObject(written: booking.write))
        try fields.finish()
    }

    fileprivate static let readOnlyFields = [
        "reference", "state", "stateReason", "requestedBy", "recurrence", "series", "recurrenceId",
        "approvals", "checkedInAt", "releasedAt", "holdExpiresAt", "leaseSeconds", "waitPosition",
        "waitUntil", "displacedBy", "leaseExpiresAt", "version", "createdAt", "updatedAt",
    ]

    /// All but the period.
    private mutating func apply(_ fields: inout FieldReader) {
        fields.set(
            &environments, "environments",
            .array(of: .slug, atMost: Limits.environmentsPerBooking, atLeast: 1))
        if Set(environments).count < environments.count {
            fields.fault("environments", "names an environment twice")
        }
        fields.setOptional(&timeZone, "timeZone", .timeZone)
        fields.set(&title, "title", .line())
        fields.set(&team, "team", .teamName)
        fields.setOptional(&contact, "contact", .line())
        fields.set(&mode, "mode", .choice(Booking.Mode.allCases), null: .exclusive)
        fields.setOptional(&ticket, "ticket", .line())
        fields.setOptional(&notes, "notes", .lines())
        fields.merge(&labels, "labels")
        fields.set(&priority, "priority", .choice(Booking.Priority.allCases), null: .normal)
    }

    private mutating func applyPeriod(_ fields: inout FieldReader) {
        let faultsBefore = fields.faults.count
        fields.set(&startsAt, "startsAt", .instant)
        if fields.isPatch {
            fields.set(&endsAt, "endsAt", .instant)
        } else {
            applyEnd(&fields)
        }
        guard fields.faults.count == faultsBefore else { return }
        let length = endsAt.timeIntervalSince(startsAt)
        if length <= 0 {
            fields.fault("endsAt", "is not after startsAt")
        } else if length > Double(Limits.bookingDays) * 86_400 {
            fields.fault("endsAt", "is more than \(Limits.bookingDays) days after startsAt")
        } else if endsAt.timeIntervalSince1970 > Double(Limits.latestSecond) {
            fields.fault("minutes", "end after the year 9999")
        }
    }

    /// A new booking ends at a time, or a number of minutes after its start.
    private mutating func applyEnd(_ fields: inout FieldReader) {
        let end = fields.read("endsAt", .instant)
        let minutes = fields.read("minutes", .whole(1...Limits.bookingDays * 1440))
        switch (fields.has("endsAt"), fields.has("minutes")) {
        case (true, true): fields.fault("minutes", "stands beside endsAt: give one of the two")
        case (false, false): fields.fault("endsAt", "is required, or minutes in its place")
        case (true, false), (false, true): break
        }
        if let end {
            endsAt = end
        } else if let minutes {
            endsAt = startsAt.addingTimeInterval(Double(minutes) * 60)
        }
    }
}

extension JSONObject {
    /// What an edit of one booking sets on the others of its series: they move by as much, not to its times.
    var forOthersOfSeries: JSONObject {
        let ownNames = BookingDraft.readOnlyFields + ["startsAt", "endsAt"]
        return JSONObject(members: members.filter { !ownNames.contains($0.name) })
    }
}
