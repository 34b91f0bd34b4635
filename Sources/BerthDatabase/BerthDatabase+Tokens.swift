import BerthCore
import Crypto
import Foundation
import Postgres

extension BerthDatabase {
    /// Who presents this bearer token; nil for none that is valid. The secret is compared as a hash, in
    /// constant time. What has not the form of a token is neither looked up nor remembered.
    ///
    /// - Parameter onFirstUse: Called when nobody presented this token before, once for each token.
    public func authenticate(
        bearer: String, now: Date, onFirstUse: (Caller) -> Void = { _ in }
    ) async throws -> Caller? {
        guard let presented = BearerToken(bearer) else { return nil }
        let digest = SHA256.hash(data: Data(bearer.utf8))
        if let known = tokens.caller(digest, now: now) { return known }
        let read = try await translatingErrors { try await readCaller(presented) }
        tokens.remember(read?.caller, for: digest, now: now)
        if let read, read.isUnused, await markUsed(read.caller.tokenID, now: now) {
            onFirstUse(read.caller)
        }
        return read?.caller
    }

    /// What is known of a bearer without asking the database: nil when nothing is, `.some(nil)` when it is
    /// known to be no token.
    public func remembered(bearer: String, now: Date) -> Caller?? {
        guard BearerToken(bearer) != nil else { return .some(nil) }
        return tokens.caller(SHA256.hash(data: Data(bearer.utf8)), now: now)
    }

    /// Writes down that a token was used, and says whether this was the first time: of several servers only
    /// one is told so. When it cannot be written now, whoever bears the token is let in all the same; the
    /// next look-up tries again.
    private func markUsed(_ id: Int64, now: Date) async -> Bool {
        let rows = try? await client.query(
            """
            UPDATE tokens SET first_used_at = \(now) WHERE id = \(id) AND first_used_at IS NULL
            RETURNING id
            """)
        return rows?.isEmpty == false
    }

    private func readCaller(
        _ presented: BearerToken
    ) async throws -> (caller: Caller, isUnused: Bool)? {
        let rows = try await client.query(
            """
            SELECT k.secret_hash, k.name, k.role, (SELECT t.name FROM teams t WHERE t.id = k.team_id),
                   k.labels, k.reports,
                   coalesce((SELECT max(o.revoked_at) FROM tokens o WHERE o.name = k.name), to_timestamp(0)),
                   k.first_used_at IS NULL
            FROM tokens k WHERE k.id = \(presented.id) AND k.revoked_at IS NULL
            """)
        guard let row = rows.first else { return nil }
        var columns = row.columns
        let hash: Data = try columns.next()
        guard presented.matches(hash) else { return nil }
        let name: String = try columns.next()
        let role: Role = try columns.next()
        let team: String? = try columns.next()
        let labels: StoredLabels = try columns.next()
        let reports: Bool = try columns.next()
        let since: Date = try columns.next()
        let isUnused: Bool = try columns.next()
        let caller = Caller(
            tokenID: presented.id, name: name, role: role, team: team, labels: labels.labels,
            reports: reports, since: since)
        return (caller, isUnused)
    }

    /// Makes a token. The secret is in the answer and nowhere else. Throws `.alreadyExists`.
    public func createToken(
        _ draft: TokenDraft, by caller: Caller, now: Date
    ) async throws -> NewToken {
        try await decide(dryRun: false) { try await $0.insertToken(draft, by: caller, now: now) }
    }

    /// Makes a token once. What is kept of the answer must not hold the secret. Throws `.alreadyExists`.
    public func createToken(
        _ draft: TokenDraft, by caller: Caller, now: Date, dryRun: Bool,
        idempotency: IdempotencyKey?, keep: @Sendable (NewToken) throws -> KeptAnswer
    ) async throws -> Once<NewToken> {
        try await once(idempotency, now: now, dryRun: dryRun, keep: keep) {
            try await $0.insertToken(draft, by: caller, now: now)
        }
    }

    /// Tokens, the newest first; never their secrets.
    public func tokens(_ page: Page) async throws -> Listing<Token> {
        let before = try page.id()
        return try await translatingErrors {
            let rows = try await client.query(
                """
                SELECT \(unescaped: Token.columnList) FROM tokens k
                WHERE \(before)::bigint IS NULL OR k.id < \(before)
                ORDER BY k.id DESC LIMIT \(page.limit + 1)
                """)
            return Listing(try rows.map(Token.init), limit: page.limit, position: { String($0.id) })
        }
    }

    /// The token with this id. Throws `.notFound`.
    public func token(_ id: Int64) async throws -> Token {
        try await translatingErrors {
            let rows = try await client.query(
                "SELECT \(unescaped: Token.columnList) FROM tokens k WHERE k.id = \(id)")
            guard let row = rows.first else { throw BerthError.notFound("no token \(id)") }
            return try Token(row)
        }
    }

    /// Ends a token for good, on every server at once. Ending it again changes nothing.
    public func revokeToken(_ id: Int64, now: Date) async throws -> Token {
        _ = try await translatingErrors {
            try await client.query(
                "UPDATE tokens SET revoked_at = \(now) WHERE id = \(id) AND revoked_at IS NULL")
        }
        tokens.forgetAll()
        return try await token(id)
    }

    /// Ends the token of a name that is in use. Throws `.notFound`.
    public func revokeToken(named name: String, now: Date) async throws -> Token {
        let id = try await translatingErrors {
            let rows = try await client.query(
                "SELECT id FROM tokens WHERE name = \(name) AND revoked_at IS NULL")
            guard let row = rows.first else { throw BerthError.notFound("no token \(name) in use") }
            return try row.decode(Int64.self)
        }
        return try await revokeToken(id, now: now)
    }

    /// Forgets tokens as they change on other servers. Runs until cancelled.
    public func watchTokens() async {
        for await event in client.listen(to: ["berth_tokens"]) {
            // After a reconnection something may have been missed.
            switch event {
            case .connected, .notification:
                tokens.forgetAll()
                teams.forgetAll()
            }
        }
    }
}

/// A token just made, with what its bearer presents.
public struct NewToken: Sendable {
    /// As it is kept.
    public var token: Token
    /// What is shown once: `berth_<id>_<secret>`.
    public var bearer: String
}

extension PostgresTransaction {
    fileprivate func insertToken(
        _ draft: TokenDraft, by caller: Caller, now: Date
    ) async throws -> NewToken {
        let secret = BearerToken.randomSecret()
        var teamID: Int64?
        if let team = draft.team {
            teamID = try await self.teamID(team, pointer: "/team", by: caller, now: now)
        }
        let rows = try await query(
            """
            INSERT INTO tokens (
                name, role, team_id, labels, reports, secret_hash, created_at, created_by)
            VALUES (\(draft.name), \(draft.role), \(teamID), \(PostgresJSON(draft.labels)),
                    \(draft.reports), \(BearerToken.hash(secret)), \(now), \(caller.name))
            RETURNING id
            """)
        let id = try rows[rows.startIndex].decode(Int64.self)
        let token = Token(
            id: id, name: draft.name, role: draft.role, team: draft.team, labels: draft.labels,
            reports: draft.reports, createdAt: now, createdBy: caller.name, revokedAt: nil)
        return NewToken(token: token, bearer: BearerToken(id: id, secret: secret).description)
    }
}

/// A bearer token as it is presented: `berth_<id>_<secret>`.
struct BearerToken: CustomStringConvertible {
    var id: Int64
    var secret: String

    init(id: Int64, secret: String) {
        self.id = id
        self.secret = secret
    }

    init?(_ text: String) {
        let parts = text.split(separator: "_", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "berth", let id = Int64(parts[1]),
            parts[2].utf8.count < 100
        else { return nil }
        self.init(id: id, secret: String(parts[2]))
    }

    var description: String { "berth_\(id)_\(secret)" }

    /// 256 bits from the system's generator, in base64url.
    static func randomSecret() -> String {
        SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) }.base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    static func hash(_ secret: String) -> Data {
        Data(SHA256.hash(data: Data(secret.utf8)))
    }

    /// Whether the secret has this hash. The time it takes tells nothing of where they differ: digests
    /// compare in constant time.
    func matches(_ hash: Data) -> Bool {
        SHA256.hash(data: Data(secret.utf8)) == hash
    }
}

extension Role: PostgresEncodable, PostgresDecodable {}

extension Token {
    static let columnList = """
        k.id, k.name, k.role, (SELECT t.name FROM teams t WHERE t.id = k.team_id), k.labels, k.reports,
        k.created_at, k.created_by, k.revoked_at
        """

    init(_ row: PostgresRow) throws {
        var columns = row.columns
        let id: Int64 = try columns.next()
        let name: String = try columns.next()
        let role: Role = try columns.next()
        let team: String? = try columns.next()
        let labels: StoredLabels = try columns.next()
        self.init(
            id: id, name: name, role: role, team: team, labels: labels.labels,
            reports: try columns.next(), createdAt: try columns.next(),
            createdBy: try columns.next(),
            revokedAt: try columns.next())
    }
}
