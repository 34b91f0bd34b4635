import BerthCore
import Crypto
import Foundation
import Postgres

/// A feed token just made, with what is shown once.
public struct NewFeedToken: Sendable {
    /// As it is kept.
    public var token: FeedToken
    /// What stands in the feed's URL.
    public var secret: String
}

extension BerthDatabase {
    /// Makes the right to one feed. Somebody's own feed is theirs to open, and an admin's. Throws `.invalid` for
    /// what is not there, `.forbidden`, and `.illegalMove` for more than a person may have.
    public func createFeedToken(
        _ feed: Feed, isBusyOnly: Bool, by caller: Caller, now: Date, dryRun: Bool,
        idempotency: IdempotencyKey?, keep: @Sendable (NewFeedToken) throws -> KeptAnswer
    ) async throws -> Once<NewFeedToken> {
        if case .person(let name) = feed, name != caller.name, caller.role != .admin {
            throw BerthError.forbidden("somebody else's feed is opened by them or by an admin")
        }
        return try await once(idempotency, now: now, dryRun: dryRun, keep: keep) { transaction in
            try await transaction.requireThere(feed)
            try await transaction.requireFewFeedTokens(of: caller)
            let secret = BearerToken.randomSecret()
            let rows = try await transaction.query(
                """
                INSERT INTO feed_tokens (kind, subject, is_busy_only, owner, secret_hash, created_at)
                VALUES (\(feed.tokenKind), \(feed.selector), \(isBusyOnly), \(caller.name),
                        \(BearerToken.hash(secret)), \(now))
                RETURNING id
                """)
            let id = try rows[rows.startIndex].decode(Int64.self)
            return NewFeedToken(
                token: FeedToken(
                    id: id, feed: feed, isBusyOnly: isBusyOnly, owner: caller.name, createdAt: now),
                secret: PresentedFeedToken(id: id, secret: secret).description)
        }
    }

    /// The caller's feed tokens that are in use, the newest first; an admin's list is everybody's.
    public func feedTokens(_ page: Page, by caller: Caller) async throws -> Listing<FeedToken> {
        let before = try page.id()
        let owner = caller.role == .admin ? nil : caller.name
        return try await translatingErrors {
            let rows = try await client.query(
                """
                SELECT f.id, f.kind, f.subject, f.is_busy_only, f.owner, f.created_at
                FROM feed_tokens f
                WHERE f.revoked_at IS NULL
                  AND (\(owner)::text IS NULL OR (f.owner = \(owner) AND f.created_at > \(caller.since)))
                  AND (\(before)::bigint IS NULL OR f.id < \(before))
                ORDER BY f.id DESC LIMIT \(page.limit + 1)
                """)
            return Listing(
                try rows.map(FeedToken.init), limit: page.limit, position: { String($0.id) })
        }
    }

    /// A feed token that is in use. Throws `.notFound` for what is not the caller's, too; an admin sees everybody's.
    public func feedToken(_ id: Int64, by caller: Caller) async throws -> FeedToken {
        let owner = caller.role == .admin ? nil : caller.name
        return try await translatingErrors {
            let rows = try await client.query(
                """
                SELECT f.id, f.kind, f.subject, f.is_busy_only, f.owner, f.created_at
                FROM feed_tokens f
                WHERE f.id = \(id) AND f.revoked_at IS NULL
                  AND (\(owner)::text IS NULL OR (f.owner = \(owner) AND f.created_at > \(caller.since)))
                """)
            guard let row = rows.first else { throw BerthError.notFound("no feed token \(id)") }
            return try FeedToken(row)
        }
    }

    /// Ends a feed token for good, at once. Throws `.notFound` for what is not the caller's, too.
    public func revokeFeedToken(
        _ id: Int64, by caller: Caller, now: Date, dryRun: Bool
    ) async throws {
        let owner = caller.role == .admin ? nil : caller.name
        try await decide(dryRun: dryRun) { transaction in
            let rows = try await transaction.query(
                """
                UPDATE feed_tokens SET revoked_at = \(now)
                WHERE id = \(id) AND revoked_at IS NULL
                  AND (\(owner)::text IS NULL OR (owner = \(owner) AND created_at > \(caller.since)))
                RETURNING id
                """)
            guard !rows.isEmpty else { throw BerthError.notFound("no feed token \(id)") }
        }
    }
}

extension PostgresTransaction {
    /// Under the lock of the caller's token, so that many made at once are counted.
    fileprivate func requireFewFeedTokens(of caller: Caller) async throws {
        try await query(
            "SELECT k.id FROM tokens k WHERE k.id = \(caller.tokenID) FOR NO KEY UPDATE")
        let rows = try await query(
            """
            SELECT count(*) FROM feed_tokens f
            WHERE f.owner = \(caller.name) AND f.revoked_at IS NULL AND f.created_at > \(caller.since)
            """)
        guard try rows[rows.startIndex].decode(Int.self) < Limits.feedTokens else {
            throw BerthError.illegalMove(
                "\(caller.name) has \(Limits.feedTokens) feed tokens, the most: revoke one first")
        }
    }

    fileprivate func requireThere(_ feed: Feed) async throws {
        switch feed {
        case .environment(let key):
            let rows = try await query("SELECT e.id FROM environments e WHERE e.key = \(key)")
            guard !rows.isEmpty else {
                throw BerthError.invalid("/environment", try await unknownEnvironment(key))
            }
        case .team(let name):
            let rows = try await query("SELECT t.id FROM teams t WHERE t.id = team_id(\(name))")
            guard !rows.isEmpty else {
                throw BerthError.invalid("/team", "there is no team \(name)")
            }
        case .person, .labels, .booking: break
        }
    }
}

/// What stands in a feed's URL: `feed_<id>_<secret>`.
struct PresentedFeedToken: CustomStringConvertible {
    var id: Int64
    var secret: String

    init(id: Int64, secret: String) {
        self.id = id
        self.secret = secret
    }

    init?(_ text: String) {
        let parts = text.split(separator: "_", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "feed", let id = Int64(parts[1]),
            parts[2].utf8.count < 100
        else { return nil }
        self.init(id: id, secret: String(parts[2]))
    }

    var description: String { "feed_\(id)_\(secret)" }
}

extension Feed {
    /// As a feed token keeps it.
    var tokenKind: String {
        switch self {
        case .environment: "environment"
        case .team: "team"
        case .person: "person"
        case .labels: "labels"
        case .booking: "booking"
        }
    }

    /// The feed that a token keeps so; nil for none.
    init?(tokenKind: String, selector: String) {
        switch tokenKind {
        case "environment": self = .environment(selector)
        case "team": self = .team(selector)
        case "person": self = .person(selector)
        case "labels":
            self = .labels(
                Dictionary(
                    uniqueKeysWithValues: selector.split(separator: ",").compactMap { pair in
                        let sides = pair.split(
                            separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                        return sides.count == 2 ? (String(sides[0]), String(sides[1])) : nil
                    }))
        default: return nil
        }
    }
}

extension FeedToken {
    fileprivate init(_ row: PostgresRow) throws {
        let (id, kind, subject, isBusyOnly, owner, createdAt) = try row.decode(
            Int64.self, String.self, String.self, Bool.self, String.self, Date.self)
        guard let feed = Feed(tokenKind: kind, selector: subject) else {
            throw BerthError.notFound("no feed token \(id)")
        }
        self.init(
            id: id, feed: feed, isBusyOnly: isBusyOnly, owner: owner, createdAt: createdAt)
    }
}
