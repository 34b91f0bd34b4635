import BerthCore
import BerthDatabase
import Foundation
import Hummingbird

extension BerthAPI {
    func listChanges(_ call: Call) async throws -> Response {
        var query = call.query
        let page = call.page(&query, of: "changes")
        var filter = ChangeFilter()
        filter.environment = query.read("environment", .slug)
        filter.team = query.read("team", .teamName)
        filter.controls = query.choices("control", Change.Control.allCases)
        filter.reasons = query.choices("reason", Change.Reason.allCases)
        filter.booking = query.read("booking", .bookingReference)
        filter.from = query.read("from", .instant)
        filter.to = query.read("to", .instant)
        if let reviewed = query.text("reviewed") {
            switch reviewed {
            case "true": filter.isReviewed = true
            case "false": filter.isReviewed = false
            default: query.fault("reviewed", "must be true or false")
            }
        }
        if let from = filter.from, let to = filter.to, from >= to {
            query.fault("to", "is not after from")
        }
        try query.finish()
        let listing = try await database.changes(filter, page)
        return .page(listing, of: "changes", call, query) { $1.write(&$0) }
    }

    func getChange(_ call: Call) async throws -> Response {
        try call.refuseQuery()
        let change = try await database.change(call.number("change"))
        return Answer(writing: change.write).response
    }

    func recordChange(_ call: Call) async throws -> Response {
        let dryRun = try call.dryRun()
        let body = try await call.body()
        let key = try call.idempotencyKey(body: body, dryRun: dryRun)
        let object = try call.object(.json, from: body)
        let draft = try ChangeDraft(
            posted: object, correcting: try await corrected(by: object), by: call.caller,
            now: call.now)
        return try await keysInFlight.hold(key) {
            try await database.recordChange(
                draft, by: call.caller, now: call.now, dryRun: dryRun, idempotency: key,
                keep: { Self.recorded($0).kept })
        }.response { dryRun ? Answer(writing: $0.writeTried) : Self.recorded($0) }
    }

    /// What a posted correction corrects: nil where it is none, or names no entry, which its reader says.
    private func corrected(by object: JSONObject) async throws -> ChangeDraft? {
        guard case .number? = object["corrects"] else { return nil }
        var fields = FieldReader(object, isPatch: false)
        guard let id = fields.read("corrects", .whole(1...Int.max)) else { return nil }
        do {
            return try await database.change(Int64(id)).draft
        } catch BerthError.notFound {
            throw BerthError.invalid("/corrects", "there is no change \(id)")
        }
    }

    private static func recorded(_ change: Change) -> Answer {
        Answer(.created, location: "/v1/changes/\(change.id)", writing: change.write)
    }

    func reviewChange(_ call: Call) async throws -> Response {
        let dryRun = try call.dryRun()
        let id = try call.number("change")
        let body = try await call.body()
        let key = try call.idempotencyKey(body: body, dryRun: dryRun)
        var fields = FieldReader(try call.object(.json, from: body), isPatch: false)
        var note: String?
        // A review is read as `state`; either name says it.
        let form = FieldForm.choice(Change.Review.State.allCases)
        let verdict = fields.read("decision", form)
        let state = fields.read("state", form)
        if fields.has("state"), fields.has("decision") {
            fields.fault("state", "says what decision says: send one of them")
        }
        if !fields.has("state") { fields.require("decision") }
        fields.setOptional(&note, "note", .line(Limits.notesCharacters))
        try fields.finish()
        guard let verdict = verdict ?? state else {
            throw BerthError.invalid("/decision", "is required")
        }
        return try await keysInFlight.hold(key) {
            try await database.reviewChange(
                id, as: verdict, note: note, by: call.caller, now: call.now, dryRun: dryRun,
                idempotency: key, keep: { Answer(writing: $0.write).kept })
        }.response { Answer(writing: $0.write) }
    }

    func getGate(_ call: Call) async throws -> Response {
        var query = call.query
        let purpose = query.choice("for", Gate.Purpose.allCases) ?? .change
        let at = query.read("at", .instant) ?? call.now.flooredToSecond
        let team = query.read("team", .teamName) ?? call.caller.team
        try query.finish()
        let gate = try await database.gate(
            call.parameter("key"), for: purpose, at: at, team: team, now: call.now)
        return Answer(writing: gate.write).response
    }
}

extension ChangeDraft {
    /// Reads what was posted; a correction keeps what it leaves out. Throws `.invalid` with all that is wrong.
    init(
        posted object: JSONObject, correcting base: ChangeDraft?, by caller: Caller, now: Date
    ) throws {
        self =
            base
            ?? ChangeDraft(
                environment: "", occurredAt: now.flooredToSecond, actor: caller.name,
                team: caller.team, kind: .other, summary: "")
        (source, sourceID) = ("api", nil)
        var fields = FieldReader(object, isPatch: false)
        if base == nil { fields.require("environment", "summary") }
        fields.set(&environment, "environment", .slug)
        fields.set(&occurredAt, "occurredAt", .instant)
        fields.set(&actor, "actor", .line())
        fields.setOptional(&team, "team", .teamName)
        fields.set(&kind, "kind", .choice(ChangeKind.allCases))
        fields.set(&summary, "summary", .line(Limits.summaryCharacters))
        fields.setOptional(&component, "component", .line())
        fields.setOptional(&version, "version", .line())
        fields.setOptional(&ticket, "ticket", .line())
        if base != nil, case .null? = fields.take("emergency") {
            emergency = nil
        } else {
            fields.nested("emergency") { fields in
                fields.require("reason")
                emergency = fields.read("reason", .line(Limits.notesCharacters))
            }
        }
        if let id = fields.read("corrects", .whole(1...Int.max)) { corrects = Int64(id) }
        let skew = Double(Limits.clockSkewSeconds)
        if fields.faults.isEmpty, occurredAt > now.addingTimeInterval(skew) {
            fields.fault(
                "occurredAt",
                "is more than \(Limits.clockSkewSeconds / 60) minutes ahead: a change is logged when "
                    + "it has happened")
        }
        try fields.finish()
    }
}
