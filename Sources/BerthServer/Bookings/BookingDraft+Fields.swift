import BerthCore
import Foundation

extension BookingDraft {
    /// Reads what was posted. Throws `.invalid` with all that is wrong.
    init(posted fields: inout FieldReader, by caller: Caller, now: Date) throws {
        self.init(
            environments: [], startsAt: now, endsAt: now, title: "", team: caller.team ?? "")
        fields.require("environments", "title")
        if caller.team == nil, !fields.has("team") {
            fields.fault("team", "is required, because the token has no team")
        }
        apply(&fields)
        readLength(&fields)
        fields.refuseLater(["select", "recurrence", "onConflict", "waitUntil", "leaseSeconds"])
        checkPeriod(&fields)
        try fields.finish()
    }

    /// What a booking is to be after a merge patch. Throws `.invalid` with all that is wrong.
    init(patching booking: Booking, with patch: JSONObject) throws {
        self.init(booking)
        var fields = FieldReader(patch, isPatch: true)
        apply(&fields)
        fields.setOptional(&endsAtPatched, "endsAt", .instant)
        fields.refuseChanges(of: Self.readOnlyFields, in: JSONObject(booking.write(to:)))
        checkPeriod(&fields)
        try fields.finish()
    }

    private static let readOnlyFields = [
        "reference", "state", "stateReason", "requestedBy", "recurrence", "series", "recurrenceId",
        "approvals", "checkedInAt", "releasedAt", "holdExpiresAt", "leaseSeconds", "waitPosition",
        "waitUntil", "displacedBy", "version", "createdAt", "updatedAt",
    ]
}
