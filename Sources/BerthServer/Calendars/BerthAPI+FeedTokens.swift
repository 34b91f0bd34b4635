import BerthCore
import BerthDatabase
import Hummingbird

extension BerthAPI {
    func listFeedTokens(_ call: Call) async throws -> Response {
        var query = call.query
        let page = call.page(&query, of: "feed-tokens")
        try query.finish()
        let listing = try await database.feedTokens(page, by: call.caller)
        return .page(listing, of: "feed-tokens", call, query) { json, token in
            json.object { token.writeMembers(&$0, id: token.id) }
        }
    }

    /// Makes a feed token and shows its URL, this once: the answer to a repetition has none.
    func createFeedToken(_ call: Call) async throws -> Response {
        let dryRun = try call.dryRun()
        let body = try await call.body()
        let key = try call.idempotencyKey(body: body, dryRun: dryRun)
        let draft = try FeedTokenDraft(posted: call.object(.json, from: body))
        let outcome = try await keysInFlight.hold(key) {
            try await database.createFeedToken(
                draft.feed, isBusyOnly: draft.isBusyOnly, by: call.caller, now: call.now,
                dryRun: dryRun, idempotency: key, keep: { created($0.token, secret: nil).kept })
        }
        switch outcome {
        case .again(let kept): return Answer(kept: kept).response
        case .done(let new) where dryRun:
            return Answer { json in
                json.object { new.token.writeMembers(&$0, id: nil) }
            }.response
        case .done(let new):
            call.record(
                .feedTokenMade, in: security,
                object: "feed token \(new.token.id) \(draft.feed.name)")
            return created(new.token, secret: new.secret).response
        }
    }

    func getFeedToken(_ call: Call) async throws -> Response {
        try call.refuseQuery()
        let token = try await database.feedToken(call.number("feed token"), by: call.caller)
        return Answer { json in json.object { token.writeMembers(&$0, id: token.id) } }.response
    }

    func revokeFeedToken(_ call: Call) async throws -> Response {
        let dryRun = try call.dryRun()
        let id = try call.number("feed token")
        try await database.revokeFeedToken(id, by: call.caller, now: call.now, dryRun: dryRun)
        if !dryRun { call.record(.feedTokenRevoked, in: security, object: "feed token \(id)") }
        return Response(status: .noContent)
    }

    private func created(_ token: FeedToken, secret: String?) -> Answer {
        let url = secret.map { "\(publicURL.text)\(token.feed.path($0))" }
        return Answer(.created, location: "/v1/feed-tokens/\(token.id)") { json in
            json.object { json in
                token.writeMembers(&json, id: token.id)
                json.member("url", url)
                json.member("webcalUrl", url.map { "webcal" + $0.drop { $0 != ":" } })
            }
        }
    }
}

/// What is asked for when a feed token is made.
private struct FeedTokenDraft {
    var feed: Feed
    var isBusyOnly: Bool

    /// Reads what was posted: one of environment, team, person and labels. Throws `.invalid`.
    init(posted object: JSONObject) throws {
        var fields = FieldReader(object, isPatch: false)
        var labels: [String: String] = [:]
        var feeds: [Feed] = []
        if let key = fields.read("environment", .slug) { feeds.append(.environment(key)) }
        if let team = fields.read("team", .teamName) { feeds.append(.team(team)) }
        if let person = fields.read("person", .line()) { feeds.append(.person(person)) }
        if fields.has("labels") {
            fields.merge(&labels, "labels", isSelector: true)
            feeds.append(.labels(labels))
        }
        let detail = fields.read("detail", .choice(FeedDetail.allCases)) ?? .full
        let named = ["environment", "team", "person", "labels"].filter { fields.has($0) }
        if named.isEmpty {
            fields.fault(
                "environment", "or team, person or labels is required: of what is the feed?")
        } else if named.count > 1 {
            fields.fault(named[1], "a token opens one feed: make another for this")
        }
        try fields.finish()
        feed = feeds[0]
        isBusyOnly = detail == .busy
    }
}

extension FeedToken {
    fileprivate func writeMembers(_ json: inout JSONWriter, id: Int64?) {
        json.member("id", id.map(Int.init))
        switch feed {
        case .environment(let key): json.member("environment", key)
        case .team(let name): json.member("team", name)
        case .person(let name): json.member("person", name)
        case .labels(let labels): json.member("labels", labels)
        case .booking: break
        }
        json.member("detail", (isBusyOnly ? FeedDetail.busy : .full).rawValue)
        json.member("owner", owner)
        json.member("createdAt", createdAt)
    }
}

extension Feed {
    /// Where it is found, with the token that opens it.
    fileprivate func path(_ secret: String) -> String {
        switch self {
        case .environment(let key): "/calendars/environments/\(key).ics?token=\(secret)"
        case .team(let name):
            "/calendars/teams/\(PercentCoding.encoded(name)).ics?token=\(secret)"
        case .person(let name):
            "/calendars/people/\(PercentCoding.encoded(name)).ics?token=\(secret)"
        case .labels(let labels) where labels.isEmpty: "/calendars/all.ics?token=\(secret)"
        case .labels:
            "/calendars/all.ics?labels=\(PercentCoding.encoded(selector))&token=\(secret)"
        case .booking(let reference): "/calendars/bookings/\(reference).ics?token=\(secret)"
        }
    }
}
