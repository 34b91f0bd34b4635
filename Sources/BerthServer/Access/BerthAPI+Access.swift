import BerthCore
import BerthDatabase
import Hummingbird

extension BerthAPI {
    func listTeams(_ call: Call) async throws -> Response {
        var query = call.query
        let page = call.page(&query, of: "teams")
        try query.finish()
        return .page(try await database.teams(page), of: "teams", call, query) { $1.write(&$0) }
    }

    func createTeam(_ call: Call) async throws -> Response {
        let dryRun = try call.dryRun()
        let body = try await call.body()
        let key = try call.idempotencyKey(body: body, dryRun: dryRun)
        let draft = try TeamDraft(posted: call.object(.json, from: body))
        let outcome = try await keysInFlight.hold(key) {
            try await database.createTeam(
                draft, now: call.now, dryRun: dryRun, idempotency: key,
                keep: { Self.created($0).kept })
        }
        switch outcome {
        case .again(let kept): return Answer(kept: kept).response
        case .done(let team):
            return dryRun ? Answer(writing: team.write).response : Self.created(team).response
        }
    }

    func getTeam(_ call: Call) async throws -> Response {
        try call.refuseQuery()
        let team = try await database.team(named: call.parameter("name"))
        if call.has(version: team.version) { return .notModified(version: team.version) }
        return Answer(version: team.version, writing: team.write).response
    }

    func updateTeam(_ call: Call) async throws -> Response {
        let dryRun = try call.dryRun()
        let name = try call.parameter("name")
        let version = try await call.requiredVersion {
            try await database.team(named: name).version
        }
        let patch = try await call.object(.mergePatch, from: call.body())
        let team = try await database.updateTeam(
            named: name, expecting: version, by: call.caller, now: call.now, dryRun: dryRun
        ) { try TeamDraft(patching: $0, with: patch) }
        return Answer(version: team.version, writing: team.write).response
    }

    func mergeTeam(_ call: Call) async throws -> Response {
        let dryRun = try call.dryRun()
        let body = try await call.body()
        let key = try call.idempotencyKey(body: body, dryRun: dryRun)
        var fields = FieldReader(try call.object(.json, from: body), isPatch: false)
        fields.require("into")
        let into = fields.read("into", .teamName) ?? ""
        try fields.finish()
        let name = try call.parameter("name")
        return try await keysInFlight.hold(key) {
            try await database.mergeTeam(
                named: name, into: into, by: call.caller, now: call.now, dryRun: dryRun,
                idempotency: key,
                keep: { Answer(version: $0.version, writing: $0.write).kept })
        }.response { Answer(version: $0.version, writing: $0.write) }
    }

    func listTokens(_ call: Call) async throws -> Response {
        var query = call.query
        let page = call.page(&query, of: "tokens")
        try query.finish()
        return .page(try await database.tokens(page), of: "tokens", call, query) { $1.write(&$0) }
    }

    /// Makes a token and shows its secret, this once: the answer to a repetition has `token: null`.
    func createToken(_ call: Call) async throws -> Response {
        let dryRun = try call.dryRun()
        let body = try await call.body()
        let key = try call.idempotencyKey(body: body, dryRun: dryRun)
        let draft = try TokenDraft(posted: call.object(.json, from: body))
        let outcome = try await keysInFlight.hold(key) {
            try await database.createToken(
                draft, by: call.caller, now: call.now, dryRun: dryRun, idempotency: key,
                keep: { Self.created($0.token, bearer: nil).kept })
        }
        switch outcome {
        case .again(let kept): return Answer(kept: kept).response
        case .done(let new) where dryRun:
            return Answer { new.token.writeNew(&$0, id: nil, bearer: nil) }.response
        case .done(let new):
            call.record(.tokenMade, in: security, object: new.token.forTheRecord)
            return Self.created(new.token, bearer: new.bearer).response
        }
    }

    func getToken(_ call: Call) async throws -> Response {
        try call.refuseQuery()
        return Answer(writing: try await database.token(call.number("token")).write).response
    }

    func revokeToken(_ call: Call) async throws -> Response {
        let dryRun = try call.dryRun()
        let id = try call.number("token")
        var token = try await database.token(id)
        if dryRun {
            token.revokedAt = token.revokedAt ?? call.now
        } else {
            token = try await database.revokeToken(id, now: call.now)
            call.record(.tokenRevoked, in: security, object: token.forTheRecord)
        }
        return Answer(writing: token.write).response
    }

    func getMe(_ call: Call) throws -> Response {
        try call.refuseQuery()
        return Answer(writing: call.caller.write).response
    }

    private static func created(_ token: Token, bearer: String?) -> Answer {
        Answer(.created, location: "/v1/tokens/\(token.id)") {
            token.writeNew(&$0, id: token.id, bearer: bearer)
        }
    }

    private static func created(_ team: Team) -> Answer {
        Answer(
            .created, version: team.version,
            location: "/v1/teams/\(PercentCoding.encoded(team.name))", writing: team.write)
    }
}

extension Token {
    /// Which token it is and what it lets its bearer do, for the security log.
    fileprivate var forTheRecord: String {
        "token \(id) \(name), \(role.rawValue)\(team.map { " of \($0)" } ?? "")"
    }
}
