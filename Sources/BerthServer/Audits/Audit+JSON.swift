import BerthCore
import Foundation

extension Audit {
    /// The run as the API shows it.
    public var json: Data {
        var json = JSONWriter()
        write(&json)
        return Data(json.buffer.readableBytesView)
    }

    /// Writes the run as the API shows it; in lists without its findings.
    func write(_ json: inout JSONWriter, withFindings: Bool = true) {
        json.object { json in
            json.name("run")
            if let run { json.value(run) } else { json.null() }
            json.member("at", at)
            json.member("recordedBy", recordedBy)
            json.name("summary")
            json.object { json in
                json.member("new", summary.new)
                json.member("persisting", summary.persisting)
                json.member("resolved", summary.resolved)
                json.member("waived", summary.waived)
            }
            json.name("checks")
            json.object { json in
                for (name, count) in checks.sorted(by: { $0.key < $1.key }) {
                    json.name(name)
                    json.value(count)
                }
            }
            if withFindings {
                json.name("findings")
                json.array(findings) { $1.write(&$0) }
            }
        }
    }
}

extension Finding {
    /// Writes the finding as the API shows it.
    func write(_ json: inout JSONWriter) {
        json.object { json in
            json.member("check", check)
            json.member("severity", severity.rawValue)
            json.member("status", status.rawValue)
            json.member("fingerprint", fingerprint)
            json.member("environment", environment)
            json.member("subjects", subjects)
            json.member("startsAt", startsAt)
            json.member("endsAt", endsAt)
            json.member("detail", detail)
            json.member("actor", actor)
            json.member("firstFoundAt", firstFoundAt)
            json.name("waiver")
            if let waiver { json.value(waiver) } else { json.null() }
        }
    }
}

extension Waiver {
    /// Writes the waiver as the API shows it.
    func write(_ json: inout JSONWriter) {
        write(&json, id: id)
    }

    /// Writes what a waiver would be: without a number.
    func writeTried(_ json: inout JSONWriter) {
        write(&json, id: nil)
    }

    private func write(_ json: inout JSONWriter, id: Int64?) {
        json.object { json in
            json.member("id", id.map(Int.init))
            switch scope {
            case .finding(let fingerprint):
                json.member("fingerprint", fingerprint)
                json.member("check", nil as String?)
                json.member("environment", nil as String?)
            case .check(let check, let environment):
                json.member("fingerprint", nil as String?)
                json.member("check", check)
                json.member("environment", environment)
            }
            json.member("reason", reason)
            json.member("approvedBy", approvedBy)
            json.member("createdAt", createdAt)
            json.member("endsAt", endsAt)
            json.member("revokedAt", revokedAt)
        }
    }
}

extension AuditCheck {
    /// Writes the check as the API shows it.
    func write(_ json: inout JSONWriter) {
        json.object { json in
            json.member("check", name)
            json.member("purpose", purpose)
            json.member("isOn", isOn)
            json.name("settings")
            json.object { json in
                for (name, value) in settings.sorted(by: { $0.key < $1.key }) {
                    json.name(name)
                    json.value(value)
                }
            }
        }
    }
}
