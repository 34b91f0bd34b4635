import BerthCore
import BerthDatabase
import Foundation
import Hummingbird

extension BerthAPI {
    func listAudits(_ call: Call) async throws -> Response {
        var query = call.query
        let page = call.page(&query, of: "audits")
        try query.finish()
        return .page(try await database.audits(page), of: "audits", call, query) { json, audit in
            audit.write(&json, withFindings: false)
        }
    }

    func getAudit(_ call: Call) async throws -> Response {
        try call.refuseQuery()
        let audit = try await database.audit(call.number("audit"))
        return Answer { audit.write(&$0) }.response
    }

    func listConflicts(_ call: Call) async throws -> Response {
        var query = call.query
        let page = call.page(&query, of: "conflicts")
        var filter = FindingFilter()
        filter.run = query.whole("run", 1...Int.max).map(Int64.init)
        filter.check = query.read("check", .line())
        filter.environment = query.read("environment", .slug)
        filter.actor = query.read("actor", .teamName)
        filter.severities = query.choices("severity", Finding.Severity.allCases)
        filter.statuses = query.choices("status", Finding.Status.allCases)
        try query.finish()
        let listing = try await database.findings(filter, page)
        return .page(listing, of: "conflicts", call, query) { $1.write(&$0) }
    }

    func listWaivers(_ call: Call) async throws -> Response {
        var query = call.query
        let page = call.page(&query, of: "waivers")
        try query.finish()
        return .page(try await database.waivers(page), of: "waivers", call, query) {
            $1.write(&$0)
        }
    }

    func createWaiver(_ call: Call) async throws -> Response {
        let dryRun = try call.dryRun()
        let body = try await call.body()
        let key = try call.idempotencyKey(body: body, dryRun: dryRun)
        let draft = try WaiverDraft(posted: call.object(.json, from: body), now: call.now)
        return try await keysInFlight.hold(key) {
            try await database.createWaiver(
                draft, by: call.caller, now: call.now, dryRun: dryRun, idempotency: key,
                keep: { Self.made($0).kept })
        }.response { dryRun ? Answer(writing: $0.writeTried) : Self.made($0) }
    }

    private static func made(_ waiver: Waiver) -> Answer {
        Answer(.created, location: "/v1/waivers/\(waiver.id)", writing: waiver.write)
    }

    func getWaiver(_ call: Call) async throws -> Response {
        try call.refuseQuery()
        return Answer(writing: try await database.waiver(call.number("waiver")).write).response
    }

    func revokeWaiver(_ call: Call) async throws -> Response {
        let dryRun = try call.dryRun()
        try await database.revokeWaiver(
            call.number("waiver"), by: call.caller, now: call.now, dryRun: dryRun)
        return Response(status: .noContent)
    }

    func listAuditChecks(_ call: Call) async throws -> Response {
        try call.refuseQuery()
        let checks = try await database.auditChecks()
        return Answer { json in
            json.object { json in
                json.name("items")
                json.array(checks) { $1.write(&$0) }
            }
        }.response
    }

    /// Tunes a check wholly: what is not sent goes back to the check's own.
    func putAuditCheck(_ call: Call) async throws -> Response {
        let dryRun = try call.dryRun()
        var fields = FieldReader(try await call.object(.json, from: call.body()), isPatch: false)
        let isOn = fields.read("isOn", .truth)
        let settings = fields.read("settings", .auditSettings)
        try fields.finish()
        let check = try await database.tuneCheck(
            call.parameter("check"), isOn: isOn, settings: settings ?? [:], by: call.caller,
            now: call.now, dryRun: dryRun)
        return Answer(writing: check.write).response
    }
}

extension FieldForm<[String: Int]> {
    /// Whole numbers by the name of what they tune.
    fileprivate static var auditSettings: FieldForm {
        FieldForm { sent, pointer, faults in
            guard case .object(let object) = sent else {
                faults.append(FieldFault(pointer, "must be an object, and is \(sent.kind)"))
                return nil
            }
            var settings: [String: Int] = [:]
            for member in object.members {
                settings[member.name] = FieldForm<Int>.whole(0...Limits.auditSetting).read(
                    member.value, "\(pointer)/\(JSONPointer.escaped(member.name))", &faults)
            }
            return settings
        }
    }
}

extension WaiverDraft {
    /// Reads what was posted.
    init(posted object: JSONObject, now: Date) throws {
        self.init(scope: .finding(""), reason: "", endsAt: now)
        var fields = FieldReader(object, isPatch: false)
        fields.require("reason", "endsAt")
        let fingerprint = fields.read("fingerprint", FieldForm<String>.line())
        let check = fields.read("check", FieldForm<String>.line())
        let environment = fields.read("environment", FieldForm<String>.slug)
        fields.set(&reason, "reason", .lines())
        fields.set(&endsAt, "endsAt", .instant)
        switch (fingerprint, check) {
        case (let fingerprint?, nil):
            scope = .finding(fingerprint)
            if environment != nil {
                fields.fault("environment", "goes with check: a fingerprint is of one environment")
            }
        case (nil, let check?): scope = .check(check, environment: environment)
        default: fields.fault("fingerprint", "is required, or check: one of the two")
        }
        if let check, try !AuditCheck.names().contains(check) {
            fields.fault("check", "is no check: /v1/audit-checks lists them")
        }
        if fields.has("endsAt"), endsAt <= now {
            fields.fault("endsAt", "has passed: a waiver ends later")
        } else if endsAt > now.addingTimeInterval(Double(Limits.waiverDays) * 86_400) {
            fields.fault("endsAt", "is more than \(Limits.waiverDays) days ahead")
        }
        try fields.finish()
    }
}
