import BerthCore
import Foundation

extension BookingOptions {
    /// Reads how a posted booking is to be made; what is wrong is recorded in the reader.
    init(_ fields: inout FieldReader, for draft: BookingDraft, now: Date) {
        self.init()
        startsNow = !fields.has("startsAt")
        fields.nested("select") { fields in
            var labels: [String: String] = [:]
            fields.require("labels")
            fields.merge(&labels, "labels", isSelector: true)
            let count = fields.read("count", .whole(1...Limits.environmentsPerBooking)) ?? 1
            selection = Selection(labels: labels, count: count)
        }
        fields.nested("recurrence") { recurrence = RecurrenceText(&$0) }
        fields.set(&onConflict, "onConflict", .choice(OnConflict.allCases), null: .refuse)
        fields.setOptional(&leaseSeconds, "leaseSeconds", .whole(1...Limits.leaseSeconds))
        fields.setOptional(&waitUntil, "waitUntil", .instant)
        checkTogether(&fields, draft, now: now)
    }

    private func checkTogether(_ fields: inout FieldReader, _ draft: BookingDraft, now: Date) {
        if onConflict == .skip, recurrence == nil {
            fields.fault(
                "onConflict", "skips occurrences of a series: without one, refuse or waitlist")
        }
        if recurrence != nil, selection != nil {
            fields.fault("select", "stands beside recurrence: name the environments of a series")
        }
        if recurrence != nil, startsNow {
            fields.fault("startsAt", "is required of a series: its first occurrence")
        }
        guard let waitUntil else { return }
        if onConflict != .waitlist {
            fields.fault("waitUntil", "needs onConflict to be waitlist")
        } else if waitUntil <= now {
            fields.fault("waitUntil", "is past")
        } else if !startsNow, waitUntil > draft.endsAt {
            fields.fault("waitUntil", "is after the end: nothing would be left to use")
        } else if waitUntil > now.addingTimeInterval(Double(Limits.waitDays) * 86_400) {
            fields.fault("waitUntil", "is more than \(Limits.waitDays) days ahead")
        }
    }
}
