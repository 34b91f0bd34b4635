import BerthCore
import Foundation
import Postgres

extension BerthDatabase {
    /// Opens a session for the bearer of a token, and gives the secret of its cookie, which is kept nowhere else.
    /// Nil when nobody bears that token. Of one token the latest 20 sessions stay.
    public func signIn(
        bearer: String, now: Date, onFirstUse: (Caller) -> Void = { _ in }
    ) async throws -> NewSession? {
        guard let caller = try await authenticate(bearer: bearer, now: now, onFirstUse: onFirstUse)
        else { return nil }
        let secret = BearerToken.randomSecret()
        let expiresAt = now.addingTimeInterval(Double(Limits.sessionHours) * 3_600)
        return try await translatingErrors {
            try await client.transaction { transaction in
                try await transaction.query(
                    """
                    INSERT INTO sessions (secret_hash, token_id, created_at, expires_at)
                    VALUES (\(BearerToken.hash(secret)), \(caller.tokenID), \(now), \(expiresAt))
                    """)
                try await transaction.query(
                    """
                    DELETE FROM sessions s WHERE s.expires_at <= \(now) OR s.id IN (
                        SELECT o.id FROM sessions o WHERE o.token_id = \(caller.tokenID)
                        ORDER BY o.id DESC OFFSET \(Limits.sessionsPerToken))
                    """)
            }
            return NewSession(caller: caller, secret: secret, expiresAt: expiresAt)
        }
    }

    /// Whose session a cookie's secret is; nil when it has ended, or its token has. One that is half over begins
    /// anew. Cost: one look-up by the secret's hash.
    public func caller(ofSession secret: String, now: Date) async throws -> Caller? {
        let hash = BearerToken.hash(secret)
        return try await translatingErrors {
            let rows = try await client.query(
                """
                SELECT s.expires_at, k.id, k.name, k.role,
                       (SELECT t.name FROM teams t WHERE t.id = k.team_id), k.labels, k.reports,
                       coalesce((SELECT max(o.revoked_at) FROM tokens o WHERE o.name = k.name), to_timestamp(0))
                FROM sessions s JOIN tokens k ON k.id = s.token_id
                WHERE s.secret_hash = \(hash) AND s.expires_at > \(now) AND k.revoked_at IS NULL
                """)
            guard let row = rows.first else { return nil }
            var columns = row.columns
            let expiresAt: Date = try columns.next()
            let lasts = Double(Limits.sessionHours) * 3_600
            if expiresAt.timeIntervalSince(now) < lasts / 2 {
                try await client.query(
                    """
                    UPDATE sessions SET expires_at = \(now.addingTimeInterval(lasts))
                    WHERE secret_hash = \(hash)
                    """)
            }
            return Caller(
                tokenID: try columns.next(), name: try columns.next(), role: try columns.next(),
                team: try columns.next(),
                labels: try columns.next(as: StoredLabels.self).labels,
                reports: try columns.next(), since: try columns.next())
        }
    }

    /// Ends a session; one that has ended stays so.
    public func signOut(session secret: String) async throws {
        _ = try await translatingErrors {
            try await client.query(
                "DELETE FROM sessions s WHERE s.secret_hash = \(BearerToken.hash(secret))")
        }
    }
}

/// A session just opened.
public struct NewSession: Sendable {
    /// Whose it is.
    public var caller: Caller
    /// What its cookie holds.
    public var secret: String
    /// When it ends, unless it is used.
    public var expiresAt: Date
}
