import BerthCore

extension Token {
    /// Writes the token as the API shows it: never with its secret.
    func write(_ json: inout JSONWriter) {
        json.object { writeMembers(&$0, id: id) }
    }

    /// Writes a new token with what its bearer presents, which is shown once; without an id when it was only
    /// tried.
    func writeNew(_ json: inout JSONWriter, id: Int64?, bearer: String?) {
        json.object { json in
            writeMembers(&json, id: id)
            json.member("token", bearer)
        }
    }

    private func writeMembers(_ json: inout JSONWriter, id: Int64?) {
        json.member("id", id.map(Int.init))
        json.member("name", name)
        json.member("role", role.rawValue)
        json.member("team", team)
        json.member("labels", labels)
        json.member("reports", reports)
        json.member("createdAt", createdAt)
        json.member("createdBy", createdBy)
        json.member("revokedAt", revokedAt)
    }
}

extension TokenDraft {
    /// Reads what was posted. Throws `.invalid` with all that is wrong.
    init(posted object: JSONObject) throws {
        var fields = FieldReader(object, isPatch: false)
        fields.require("name", "role")
        self.init(name: "", role: .viewer)
        fields.set(&name, "name", .line())
        fields.set(&role, "role", .choice(Role.allCases))
        fields.setOptional(&team, "team", .teamName)
        fields.merge(&labels, "labels", isSelector: true)
        fields.set(&reports, "reports", .truth)
        try fields.finish()
    }
}

extension Caller {
    /// Writes who is asking.
    func write(_ json: inout JSONWriter) {
        json.object { json in
            json.member("id", tokenID)
            json.member("name", name)
            json.member("role", role.rawValue)
            json.member("team", team)
            json.member("labels", labels)
            json.member("reports", reports)
        }
    }
}
