import BerthCore
import Foundation

extension ChangeWindowDraft {
    /// Reads what was posted. Throws `.invalid` with all that is wrong.
    init(posted object: JSONObject, by caller: Caller, now: Date) throws {
        self.init(
            kind: .change, title: "", startsAt: now.flooredToSecond, endsAt: now.flooredToSecond)
        var fields = FieldReader(object, isPatch: false)
        fields.require("kind")
        fields.set(&kind, "kind", .choice(ChangeWindow.Kind.allCases))
        fields.nested("emergency") { fields in
            fields.require("reason")
            emergency = fields.read("reason", .line(Limits.notesCharacters)) ?? ""
        }
        fields.setOptional(&exceptionTo, "exceptionTo", .windowReference)
        if emergency != nil { team = caller.team }
        apply(&fields)
        if !fields.has("title") { title = emergency ?? kind.rawValue.capitalized }
        fields.set(&startsAt, "startsAt", .instant)
        applyEnd(&fields)
        applyPlace(&fields)
        checkLength(&fields)
        try fields.finish()
    }

    /// What a window is to be after a merge patch. Throws `.invalid` with all that is wrong.
    init(patching window: ChangeWindow, with patch: JSONObject) throws {
        self = window.draft
        var fields = FieldReader(patch, isPatch: true)
        fields.setOptional(&exceptionTo, "exceptionTo", .windowReference)
        apply(&fields)
        fields.set(&startsAt, "startsAt", .instant)
        fields.set(&endsAt, "endsAt", .instant)
        let readsSelector = labels != nil
        applyPlace(&fields)
        checkLength(&fields)
        var readOnly = [
            "reference", "kind", "state", "stateReason", "emergency", "requestedBy", "approvals",
            "approvedAt", "occurrences", "version", "createdAt", "updatedAt",
        ]
        if readsSelector, labels != nil { readOnly.append("environments") }
        fields.refuseChanges(of: readOnly, in: JSONObject(written: window.write))
        try fields.finish()
    }

    private mutating func apply(_ fields: inout FieldReader) {
        fields.set(&includeParts, "includeParts", .truth)
        fields.setOptional(&team, "team", .teamName)
        fields.set(&title, "title", .line())
        fields.setOptional(&ticket, "ticket", .line())
        fields.setOptional(&notes, "notes", .lines())
        fields.setOptional(&timeZone, "timeZone", .timeZone)
        fields.set(
            &onConflict, "onConflict", .choice(ChangeWindow.OnConflict.allCases), null: .refuse)
        if fields.isPatch, fields.take("recurrence") == .null {
            recurrence = nil
        } else {
            fields.nested("recurrence") { recurrence = RecurrenceText(&$0) }
        }
    }

    /// Named environments, or a selector: the one that is sent takes the place of the other. What a selector
    /// matches is only read.
    private mutating func applyPlace(_ fields: inout FieldReader) {
        let selects = fields.take("labels").map { $0 != .null } ?? (labels != nil)
        guard selects else {
            if !fields.isPatch { fields.require("environments") }
            fields.set(
                &environments, "environments",
                .array(of: .slug, atMost: Limits.environmentsPerWindow, atLeast: 1))
            if Set(environments).count < environments.count {
                fields.fault("environments", "names an environment twice")
            }
            labels = nil
            return
        }
        guard fields.has("labels") else { return }
        if fields.has("environments"), labels == nil {
            fields.fault("labels", "stands beside environments: give one of the two")
        }
        var selector: [String: String] = [:]
        fields.merge(&selector, "labels", isSelector: true)
        if selector.isEmpty { fields.fault("labels", "is empty: it would match everything") }
        labels = selector
        environments = []
    }

    private mutating func applyEnd(_ fields: inout FieldReader) {
        let minutes = fields.read("minutes", .whole(1...Limits.bookingMinutes))
        switch (fields.has("endsAt"), fields.has("minutes")) {
        case (true, true): fields.fault("minutes", "stands beside endsAt: give one of the two")
        case (true, false): fields.set(&endsAt, "endsAt", .instant)
        case (false, true): endsAt = startsAt.addingTimeInterval(Double(minutes ?? 1) * 60)
        case (false, false): fields.fault("endsAt", "is required, or minutes in its place")
        }
    }

    private func checkLength(_ fields: inout FieldReader) {
        guard fields.faults.isEmpty else { return }
        if endsAt <= startsAt {
            fields.fault("endsAt", "is not after startsAt")
        } else if length > Double(Limits.windowDays) * 86_400 {
            fields.fault("endsAt", "is more than \(Limits.windowDays) days after startsAt")
        } else if endsAt.timeIntervalSince1970 > Double(Limits.latestSecond) {
            fields.fault("endsAt", "is after the year 9999")
        }
    }
}

extension FieldForm where Value == WindowReference {
    /// The reference of a change window.
    static var windowReference: FieldForm {
        text("a window's reference") { text throws(FormFault) in
            guard let reference = WindowReference(text) else {
                throw FormFault("is not a window's reference, such as CW-12")
            }
            return reference
        }
    }
}

extension RecurrenceText {
    /// Reads how a series recurs; what is wrong is recorded in the reader.
    init(_ fields: inout FieldReader) {
        self.init(rrule: "")
        fields.require("rrule")
        fields.set(&rrule, "rrule", .line(Limits.ruleCharacters))
        fields.set(&exdates, "exdate", .array(of: .instant, atMost: Limits.occurrences))
        fields.set(&rdates, "rdate", .array(of: .instant, atMost: Limits.occurrences))
    }
}
