import BerthCore

extension Team {
    /// Writes the team as the API shows it.
    func write(_ json: inout JSONWriter) {
        json.object { json in
            json.member("name", name)
            json.member("colour", colour)
            json.member("contact", contact)
            json.member("version", version)
        }
    }
}

extension TeamDraft {
    /// Reads what was posted. Throws `.invalid` with all that is wrong.
    init(posted object: JSONObject) throws {
        var fields = FieldReader(object, isPatch: false)
        fields.require("name")
        self.init(name: fields.read("name", .teamName) ?? "")
        apply(&fields)
        try fields.finish()
    }

    /// What a team is to be after a merge patch. Throws `.invalid` with all that is wrong.
    init(patching team: Team, with patch: JSONObject) throws {
        self.init(name: team.name, colour: team.colour, contact: team.contact)
        var fields = FieldReader(patch, isPatch: true)
        apply(&fields)
        fields.set(&name, "name", .teamName)
        fields.refuseChanges(of: ["version"], in: JSONObject(written: team.write))
        try fields.finish()
    }

    private mutating func apply(_ fields: inout FieldReader) {
        fields.setOptional(&colour, "colour", .colour)
        fields.setOptional(&contact, "contact", .line())
    }
}
