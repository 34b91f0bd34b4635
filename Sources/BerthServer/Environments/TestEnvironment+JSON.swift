import BerthCore

extension TestEnvironment {
    /// Writes the environment as the API shows it.
    func write(_ json: inout JSONWriter) {
        json.object { json in
            json.member("key", key)
            json.member("name", name)
            json.member("tier", tier)
            json.member("ownerTeam", ownerTeam)
            json.member("timeZone", timeZone)
            json.member("labels", labels)
            json.member("capacity", capacity)
            json.member("status", status.rawValue)
            json.member("statusReason", statusReason)
            json.member("statusUntil", statusUntil)
            json.name("parts")
            json.array(parts) { json, part in
                json.object { json in
                    json.member("key", part.key)
                    json.member("usage", part.usage.rawValue)
                }
            }
            json.name("policy")
            policy.write(&json)
            json.member("runbook", runbook)
            json.member("version", version)
        }
    }
}

extension EnvironmentVersion {
    /// Writes what an environment was, and how it differs from the version before; nil for the
    /// first.
    func write(_ json: inout JSONWriter, since previous: EnvironmentVersion?) {
        json.object { json in
            json.member("version", environment.version)
            json.member("at", validFrom)
            json.member("by", by)
            json.member("status", environment.status.rawValue)
            json.name("changes")
            json.changes(
                from: previous.flatMap { JSONObject(written: $0.environment.write) },
                to: JSONObject(written: environment.write), except: ["version"])
        }
    }
}
