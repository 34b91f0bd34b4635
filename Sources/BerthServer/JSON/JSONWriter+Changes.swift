extension JSONWriter {
    /// Writes the members in which two shapes of one record differ, each with both values.
    mutating func changes(from old: JSONObject?, to new: JSONObject?, except: Set<String>) {
        object { json in
            guard let old, let new else { return }
            for member in new.members where !except.contains(member.name) {
                let before = old[member.name] ?? .null
                guard before != member.value else { continue }
                json.name(member.name)
                json.object { json in
                    json.name("from")
                    json.value(before)
                    json.name("to")
                    json.value(member.value)
                }
            }
        }
    }
}
