import BerthCore

extension Token {
    /// Writes the token as the API shows it: never with its secret.
    func write(_ json: inout JSONWriter) {
        json.object { writeMembers(&$0) }
    }

    /// Writes a new token with its secret.
    func writeNew(_ json: inout JSONWriter, secret: String) {
        json.object { json in
            writeMembers(&json)
            json.member("token", secret)
        }
    }

    private func writeMembers(_ json: inout JSONWriter) {
        json.member("id", id)
        json.member("name", name)
        json.member("role", role.rawValue)
        json.member("team", team)
        json.member("labels", labels)
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
        }
    }
}
