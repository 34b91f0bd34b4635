import BerthCore
import BerthDatabase
import Foundation
import Hummingbird

extension BerthAPI {
    func listEnvironments(_ call: Call) async throws -> Response {
        var query = call.query
        let page = call.page(&query, of: "environments")
        var filter = EnvironmentFilter()
        filter.labels = query.selector("labels")
        filter.text = query.read("q", .line())
        filter.includeRetired = query.flag("retired")
        try query.finish()
        let listing = try await database.environments(filter, page)
        return .page(listing, of: "environments", call, query) { $1.write(&$0) }
    }

    func createEnvironment(_ call: Call) async throws -> Response {
        let dryRun = try call.dryRun()
        let body = try await call.body()
        let key = try call.idempotencyKey(body: body, dryRun: dryRun)
        let draft = try EnvironmentDraft(posted: call.object(.json, from: body))
        let outcome = try await keysInFlight.hold(key) {
            try await database.createEnvironment(
                draft, by: call.caller, now: call.now, dryRun: dryRun, idempotency: key,
                keep: { Self.created($0).kept })
        }
        switch outcome {
        case .again(let kept): return Answer(kept: kept).response
        case .done(let environment):
            return dryRun
                ? Answer(writing: environment.write).response : Self.created(environment).response
        }
    }

    func getEnvironment(_ call: Call) async throws -> Response {
        try call.refuseQuery()
        let environment = try await database.environment(call.parameter("key"))
        if call.has(version: environment.version) {
            return .notModified(version: environment.version)
        }
        return Self.shown(environment).response
    }

    func updateEnvironment(_ call: Call) async throws -> Response {
        let dryRun = try call.dryRun()
        let key = try call.parameter("key")
        let version = try await call.requiredVersion { try await database.environment(key).version }
        let patch = try await call.object(.mergePatch, from: call.body())
        let environment = try await database.updateEnvironment(
            key, expecting: version, by: call.caller, now: call.now, dryRun: dryRun
        ) { try EnvironmentDraft(patching: $0, with: patch) }
        // Who may do what there goes by its policy, its owner, and its labels and tier.
        let rights = ["policy", "ownerTeam", "labels", "tier"].filter { patch[$0] != nil }
        if !dryRun, !rights.isEmpty {
            call.record(
                .environmentRightsChanged, in: security,
                object: "environment \(key), \(rights.joined(separator: ", "))")
        }
        return Self.shown(environment).response
    }

    func reportOutage(_ call: Call) async throws -> Response {
        let dryRun = try call.dryRun()
        let name = try call.parameter("key")
        let body = try await call.body()
        let key = try call.idempotencyKey(body: body, dryRun: dryRun)
        var fields = FieldReader(try call.object(.json, from: body), isPatch: false)
        fields.require("reason")
        let reason = fields.read("reason", .line(Limits.outageCharacters)) ?? ""
        try fields.finish()
        return try await keysInFlight.hold(key) {
            try await database.reportOutage(
                of: name, reason: reason, by: call.caller, now: call.now, dryRun: dryRun,
                idempotency: key, keep: { Self.shown($0).kept })
        }.response(Self.shown)
    }

    private static func shown(_ environment: TestEnvironment) -> Answer {
        Answer(version: environment.version, writing: environment.write)
    }

    func retireEnvironment(_ call: Call) async throws -> Response {
        let dryRun = try call.dryRun()
        let key = try call.parameter("key")
        let version = try await call.expectedVersion { try await database.environment(key).version }
        let environment = try await database.retireEnvironment(
            key, expecting: version, by: call.caller, now: call.now, dryRun: dryRun)
        return Self.shown(environment).response
    }

    func getEnvironmentHistory(_ call: Call) async throws -> Response {
        var query = call.query
        let key = try call.parameter("key")
        let page = call.page(&query, of: "environment \(key)")
        try query.finish()
        let listing = try await database.environmentHistory(key, page)
        // What the oldest version of this page changed shows only beside the one before it.
        var older: EnvironmentVersion?
        if let next = listing.next {
            older = try await database.environmentHistory(key, Page(limit: 1, after: next)).items
                .first
        }
        return .history(listing, older: older, of: "environment \(key)", call, query) {
            $1.write(&$0, since: $2)
        }
    }

    func getAvailability(_ call: Call) async throws -> Response {
        var query = call.query
        let (from, to) = call.span(&query)
        try query.finish()
        let availability = try await database.availability(
            call.parameter("key"), from: from, to: to)
        return Answer(writing: availability.write).response
    }

    private static func created(_ environment: TestEnvironment) -> Answer {
        Answer(
            .created, version: environment.version, location: "/v1/environments/\(environment.key)",
            writing: environment.write)
    }
}
