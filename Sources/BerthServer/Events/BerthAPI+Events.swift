import BerthCore
import BerthDatabase
import Foundation
import HTTPTypes
import Hummingbird

extension BerthAPI {
    func receiveEvents(_ call: Call) async throws -> Response {
        let dryRun = try call.dryRun()
        let body = try await call.body(atMost: Limits.eventBytes)
        let events = try CloudEvent.events(in: call.request.headers, body)
        // What Berth itself logs under these names, nobody else may keep from being logged.
        if let feigned = events.first(where: { CloudEvent.isReserved(source: $0.source) }) {
            throw BerthError.invalid(
                "/source", "\(feigned.source) is Berth's own name for a source: send another")
        }
        return try await record(CDEvent.readings(of: events), call, dryRun: dryRun)
    }

    /// Without a secret, no signature is good.
    func receiveGitHubDelivery(_ call: Call) async throws -> Response {
        try call.refuseQuery()
        let body = try await call.body()
        let signature = HTTPField.Name("X-Hub-Signature-256").flatMap { call.request.headers[$0] }
        guard let secret = githubSecret,
            GitHubSignature.isValid(signature, of: body, secret: secret)
        else { throw Problem.badSignature }
        let event = HTTPField.Name("X-GitHub-Event").flatMap { call.request.headers[$0] } ?? ""
        return try await record(
            [GitHubDeployment.read(event: event, call.object(.json, from: body))], call,
            dryRun: false)
    }

    private func record(
        _ readings: [EventReading], _ call: Call, dryRun: Bool
    ) async throws -> Response {
        let reports = readings.compactMap { reading in
            if case .change(let report) = reading { report } else { nil }
        }
        let latest = call.now.addingTimeInterval(Double(Limits.clockSkewSeconds))
        if let early = reports.first(where: { $0.occurredAt > latest }) {
            throw BerthError.invalid(
                "/time",
                "of \(early.eventID) is more than \(Limits.clockSkewSeconds / 60) minutes ahead of "
                    + "Berth's clock: put the source's clock right and send it again")
        }
        let ignored = readings.count - reports.count
        let outcomes =
            reports.isEmpty
            ? []
            : try await database.record(
                reports, by: call.caller, now: call.now, dryRun: dryRun)
        let changes = outcomes.compactMap { if case .recorded(let id) = $0 { id } else { nil } }
        if !dryRun { metrics.countEvents(recorded: changes.count, ignored: ignored) }
        return Answer(.accepted) { json in
            json.object { json in
                json.member("received", readings.count)
                json.member("recorded", changes.count)
                json.name("changes")
                json.array(dryRun ? [] : changes) { $0.value($1) }
                json.member("unassigned", outcomes.count { $0 == .unassigned })
                json.member("repeated", outcomes.count { $0 == .repeated })
                json.member("ignored", ignored)
            }
        }.response
    }

    func listUnassignedEvents(_ call: Call) async throws -> Response {
        var query = call.query
        let page = call.page(&query, of: "unassigned-events")
        try query.finish()
        let listing = try await database.unassignedEvents(page)
        return .page(listing, of: "unassigned-events", call, query) { $1.write(&$0) }
    }

    func assignEvent(_ call: Call) async throws -> Response {
        let dryRun = try call.dryRun()
        let id = try call.number("event")
        let body = try await call.body()
        let key = try call.idempotencyKey(body: body, dryRun: dryRun)
        var fields = FieldReader(try call.object(.json, from: body), isPatch: false)
        fields.require("environment")
        var environment = ""
        fields.set(&environment, "environment", .slug)
        try fields.finish()
        return try await keysInFlight.hold(key) { [environment] in
            try await database.assignEvent(
                id, to: environment, by: call.caller, now: call.now, dryRun: dryRun,
                idempotency: key, keep: { Answer(writing: $0.write).kept })
        }.response { Answer(writing: dryRun ? $0.writeTried : $0.write) }
    }

    func listMappings(_ call: Call) async throws -> Response {
        var query = call.query
        let page = call.page(&query, of: "mappings")
        try query.finish()
        let listing = try await database.mappings(page)
        return .page(listing, of: "mappings", call, query) { $1.write(&$0) }
    }

    func createMapping(_ call: Call) async throws -> Response {
        let dryRun = try call.dryRun()
        let body = try await call.body()
        let key = try call.idempotencyKey(body: body, dryRun: dryRun)
        let mapping = try Mapping(posted: call.object(.json, from: body))
        return try await keysInFlight.hold(key) {
            try await database.createMapping(
                mapping, by: call.caller, now: call.now, dryRun: dryRun, idempotency: key,
                keep: { Self.made($0).kept })
        }.response { dryRun ? Answer(writing: $0.writeTried) : Self.made($0) }
    }

    private static func made(_ mapping: Mapping) -> Answer {
        Answer(.created, location: "/v1/mappings/\(mapping.id)", writing: mapping.write)
    }

    func getMapping(_ call: Call) async throws -> Response {
        try call.refuseQuery()
        return Answer(writing: try await database.mapping(call.number("mapping")).write).response
    }

    func deleteMapping(_ call: Call) async throws -> Response {
        let dryRun = try call.dryRun()
        try await database.deleteMapping(
            call.number("mapping"), by: call.caller, now: call.now, dryRun: dryRun)
        return Response(status: .noContent)
    }
}

extension Mapping {
    /// Reads what was posted: a source's name for an environment, or for whose work a team answers.
    init(posted object: JSONObject) throws {
        self.init(source: nil, kind: .environment, name: "", target: "")
        var fields = FieldReader(object, isPatch: false)
        fields.require("kind", "name")
        fields.setOptional(&source, "source", .line(Limits.summaryCharacters))
        fields.set(&kind, "kind", .choice(Kind.allCases))
        fields.set(&name, "name", .line(Limits.summaryCharacters))
        if kind == .environment {
            fields.require("environment")
            fields.set(&target, "environment", .slug)
        } else {
            fields.require("team")
            fields.set(&target, "team", .teamName)
        }
        try fields.finish()
    }

    /// Writes the mapping.
    func write(_ json: inout JSONWriter) {
        write(&json, id: id)
    }

    /// Writes what a mapping would be: without a number.
    func writeTried(_ json: inout JSONWriter) {
        write(&json, id: nil)
    }

    private func write(_ json: inout JSONWriter, id: Int64?) {
        let none: String? = nil
        json.object { json in
            json.member("id", id.map(Int.init))
            json.member("source", source)
            json.member("kind", kind.rawValue)
            json.member("name", name)
            json.member("environment", kind == .environment ? target : none)
            json.member("team", kind == .environment ? none : target)
        }
    }
}

extension UnassignedEvent {
    fileprivate func write(_ json: inout JSONWriter) {
        json.object { json in
            json.member("id", id)
            json.member("receivedAt", receivedAt)
            json.member("source", report.source)
            json.member("eventId", report.eventID)
            json.member("environment", report.environmentName)
            json.member("occurredAt", report.occurredAt)
            json.member("actor", report.actor)
            json.member("repository", report.repository)
            json.member("kind", report.kind.rawValue)
            json.member("summary", report.summary)
            json.member("component", report.component)
            json.member("version", report.version)
        }
    }
}
