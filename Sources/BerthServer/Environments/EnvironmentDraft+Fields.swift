import BerthCore

extension EnvironmentDraft {
    /// Reads what was posted. Throws `.invalid` with all that is wrong.
    init(posted object: JSONObject) throws {
        var fields = FieldReader(object, isPatch: false)
        fields.require("key")
        self.init(key: fields.read("key", .slug) ?? "")
        apply(&fields, statuses: [.available, .degraded, .unavailable])
        try fields.finish()
    }

    /// What an environment is to be after a merge patch. Throws `.invalid` with all that is wrong.
    init(patching environment: TestEnvironment, with patch: JSONObject) throws {
        self.init(environment)
        var fields = FieldReader(patch, isPatch: true)
        apply(&fields, statuses: TestEnvironment.Status.allCases)
        fields.refuseChanges(of: ["key", "version"], in: JSONObject(written: environment.write))
        try fields.finish()
    }

    private mutating func apply(
        _ fields: inout FieldReader, statuses: [TestEnvironment.Status]
    ) {
        let defaults = EnvironmentDraft(key: key)
        fields.set(&name, "name", .line(), null: defaults.name)
        fields.set(&tier, "tier", .line(), null: defaults.tier)
        fields.setOptional(&ownerTeam, "ownerTeam", .teamName)
        fields.set(&timeZone, "timeZone", .timeZone, null: defaults.timeZone)
        fields.merge(&labels, "labels")
        fields.setOptional(&capacity, "capacity", .whole(1...Int(Int32.max)))
        fields.set(&status, "status", .choice(statuses), null: defaults.status)
        fields.setOptional(&statusReason, "statusReason", .line())
        fields.setOptional(&statusUntil, "statusUntil", .instant)
        fields.set(
            &parts, "parts", .array(of: .part, atMost: Limits.partsPerEnvironment), null: [])
        if Set(parts.map(\.key)).count < parts.count { fields.fault("parts", "names a part twice") }
        if parts.contains(where: { $0.key == key }) {
            fields.fault("parts", "names the environment itself")
        }
        applyPolicy(&fields)
        fields.set(&runbook, "runbook", .lines(), null: defaults.runbook)
    }

    private mutating func applyPolicy(_ fields: inout FieldReader) {
        if fields.isPatch, fields.take("policy") == .null {
            policy = Policy()
        } else {
            fields.nested("policy") { policy.apply(&$0) }
        }
    }
}

extension FieldForm where Value == TestEnvironment.Part {
    /// A part and its use.
    fileprivate static var part: FieldForm {
        FieldForm { sent, pointer, faults in
            guard case .object(let object) = sent else {
                faults.append(FieldFault(pointer, "must be an object, and is \(sent.kind)"))
                return nil
            }
            var fields = FieldReader(object, at: pointer, isPatch: false)
            fields.require("key", "usage")
            var part = TestEnvironment.Part(key: "", usage: .same)
            fields.set(&part.key, "key", .slug)
            fields.set(&part.usage, "usage", .choice(TestEnvironment.Part.Usage.allCases))
            fields.refuseUnknown()
            faults += fields.faults
            return fields.faults.isEmpty ? part : nil
        }
    }
}
