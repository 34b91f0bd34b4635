import BerthCore

/// Reads the members of one JSON object by name, and gathers everything that is wrong with them, so
/// that a caller learns all faults of a body at once.
struct FieldReader {
    /// In a merge patch, null inside labels removes, and what is left out stays.
    let isPatch: Bool
    private let object: JSONObject
    private let pointer: String
    private var known: Set<String> = []
    private(set) var faults: [FieldFault] = []

    /// A reader of an object that stands at a pointer.
    init(_ object: JSONObject, at pointer: String = "", isPatch: Bool) {
        self.object = object
        self.pointer = pointer
        self.isPatch = isPatch
    }

    /// Marks a name as one that the contract knows and gives its value as sent.
    mutating func take(_ name: String) -> JSONValue? {
        known.insert(name)
        return object[name]
    }

    /// Whether a member of that name was sent, whatever its value.
    func has(_ name: String) -> Bool {
        object[name] != nil
    }

    /// Records what is wrong with a member.
    mutating func fault(_ name: String, _ detail: String) {
        faults.append(FieldFault(place(name), detail))
    }

    /// Records a fault for each of these that was not sent.
    mutating func require(_ names: String...) {
        for name in names where !has(name) { fault(name, "is required") }
    }

    /// The value of a member; nil when it was not sent or is wrong.
    mutating func read<Value>(_ name: String, _ form: FieldForm<Value>) -> Value? {
        guard let sent = take(name) else { return nil }
        return form.read(sent, place(name), &faults)
    }

    /// Sets what was sent. Null, where allowed, sets the value given for it.
    mutating func set<Value>(
        _ target: inout Value, _ name: String, _ form: FieldForm<Value>, null: Value? = nil
    ) {
        guard let sent = take(name) else { return }
        if sent == .null, let null {
            target = null
        } else if let value = form.read(sent, place(name), &faults) {
            target = value
        }
    }

    /// Sets what was sent; null sets nil.
    mutating func setOptional<Value>(
        _ target: inout Value?, _ name: String, _ form: FieldForm<Value>
    ) {
        guard let sent = take(name) else { return }
        if sent == .null {
            target = nil
        } else if let value = form.read(sent, place(name), &faults) {
            target = value
        }
    }

    /// Reads an object inside this one with the same rules; null and what is no object are faults.
    mutating func nested(_ name: String, _ body: (inout FieldReader) -> Void) {
        guard let sent = take(name) else { return }
        guard case .object(let inner) = sent else {
            fault(name, "must be an object, and is \(sent.kind)")
            return
        }
        var reader = FieldReader(inner, at: place(name), isPatch: isPatch)
        body(&reader)
        reader.refuseUnknown()
        faults += reader.faults
    }

    /// Reads an object that somebody else defined, inside this one: members that nobody asks for may
    /// stand in it. Nil without it, which is a fault where it is required.
    mutating func foreign<Value>(
        _ name: String, isRequired: Bool = false, _ body: (inout FieldReader) -> Value?
    ) -> Value? {
        switch take(name) ?? .null {
        case .null:
            if isRequired { fault(name, "is required") }
            return nil
        case .object(let inner):
            var reader = FieldReader(inner, at: place(name), isPatch: isPatch)
            let value = body(&reader)
            faults += reader.faults
            return value
        case let sent:
            fault(name, "must be an object, and is \(sent.kind)")
            return nil
        }
    }

    /// Sets labels to what was sent; in a patch, merges them one by one, null removing one. A
    /// selector may also have the reserved keys.
    mutating func merge(
        _ labels: inout [String: String], _ name: String, isSelector: Bool = false
    ) {
        guard let sent = take(name) else { return }
        if sent == .null, isPatch {
            labels = [:]
            return
        }
        guard case .object(let inner) = sent else {
            fault(name, "must be an object of texts, and is \(sent.kind)")
            return
        }
        var merged = isPatch ? labels : [:]
        for member in inner.members {
            let place = "\(place(name))/\(JSONPointer.escaped(member.name))"
            if let detail = LabelRules.faultOfKey(member.name, isSelector: isSelector) {
                faults.append(FieldFault(place, detail))
            } else if member.value == .null, isPatch {
                merged[member.name] = nil
            } else if let value = FieldForm.labelValue.read(member.value, place, &faults) {
                merged[member.name] = value
            }
        }
        if merged.count > Limits.labels {
            fault(name, "has \(merged.count) labels: the most is \(Limits.labels)")
        }
        labels = merged
    }

    /// Records a fault for each of these names that was sent with another value than the record's.
    mutating func refuseChanges(of names: [String], in record: @autoclosure () -> JSONObject?) {
        let sent = names.filter { take($0) != nil }
        guard !sent.isEmpty, let present = record() else { return }
        for name in sent where object[name] != present[name] {
            fault(name, "cannot be changed: send it as it is, or leave it out")
        }
    }

    /// Records a fault for each member that nobody asked for.
    mutating func refuseUnknown() {
        let asked = known.sorted()
        for member in object.members where !known.contains(member.name) {
            known.insert(member.name)
            let meant = member.name.nearest(among: asked).map { ": is \($0) meant?" } ?? ""
            fault(member.name, "is not a field that Berth knows\(meant)")
        }
    }

    /// Throws what was found to be wrong, unknown members included.
    mutating func finish() throws(BerthError) {
        refuseUnknown()
        guard faults.isEmpty else { throw .invalid(faults) }
    }

    private func place(_ name: String) -> String {
        "\(pointer)/\(JSONPointer.escaped(name))"
    }
}
