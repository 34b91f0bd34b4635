import BerthCore
import Crypto
import Foundation
import Postgres

/// What a feed's caller has to know before anything is built.
public struct FeedStatus: Sendable, Equatable {
    /// Whether the presented feed token opens this feed; nil when none was presented.
    public var isOpened: Bool?
    /// That token shows only that something is taken.
    public var isBusyOnly: Bool
    /// How often what it shows has changed.
    public var changes: Int64
    /// When it last did; nil: never.
    public var changedAt: Date?
}

/// Looks up whether feeds have changed, and whether a feed token opens them: those asked for while a query runs are
/// looked up together by the next. A look-up sees all that was committed before it was asked for.
actor FeedReader {
    private static let mostTogether = 128
    /// Queries under way at once: the second one is built while the first waits for the database.
    private static let mostQueries = 2

    /// One look-up.
    struct Question: Sendable {
        var kind: String
        var id: String
        var feed: Feed
        var token: PresentedFeedToken?
    }

    private struct Waiting {
        var question: Question
        var answer: CheckedContinuation<FeedStatus, any Error>
    }

    private let client: PostgresClient
    private var waiting: [Waiting] = []
    private var queries = 0

    init(client: PostgresClient) {
        self.client = client
    }

    func status(_ question: Question) async throws -> FeedStatus {
        try await withCheckedThrowingContinuation { continuation in
            waiting.append(Waiting(question: question, answer: continuation))
            if queries < Self.mostQueries {
                queries += 1
                Task { await readUntilNoneWait() }
            }
        }
    }

    private func readUntilNoneWait() async {
        while !waiting.isEmpty {
            let batch = Array(waiting.prefix(Self.mostTogether))
            waiting.removeFirst(batch.count)
            do {
                let found = try await read(batch.map(\.question))
                for (waiting, status) in zip(batch, found) {
                    waiting.answer.resume(returning: status)
                }
            } catch {
                for waiting in batch { waiting.answer.resume(throwing: error) }
            }
        }
        queries -= 1
    }

    private func read(_ questions: [Question]) async throws -> [FeedStatus] {
        let rows = try await client.query(
            """
            SELECT c.changes, c.changed_at, f.kind, f.subject, f.is_busy_only, f.secret_hash
            FROM unnest(\(questions.map { $0.token?.id })::bigint[]) WITH ORDINALITY a (token_id, place)
            JOIN feed_changes_of(\(questions.map(\.kind)), \(questions.map(\.id))) c ON c.place = a.place
            LEFT JOIN feed_tokens f
                ON f.id = a.token_id AND f.revoked_at IS NULL
               AND EXISTS (SELECT FROM tokens k WHERE k.name = f.owner AND k.revoked_at IS NULL)
               AND NOT EXISTS (SELECT FROM tokens k WHERE k.name = f.owner AND k.revoked_at >= f.created_at)
            ORDER BY a.place
            """)
        return try zip(questions, rows).map { question, row in
            let (changes, changedAt, kind, subject, isBusyOnly, hash) = try row.decode(
                Int64.self, Date?.self, String?.self, String?.self, Bool?.self, Data?.self)
            var status = FeedStatus(isBusyOnly: false, changes: changes, changedAt: changedAt)
            if let token = question.token {
                // Digests compare in constant time, and one is computed whether or not there is such a token.
                let isRight = SHA256.hash(data: Data(token.secret.utf8)) == hash ?? Data()
                status.isOpened =
                    isRight && kind == question.feed.tokenKind && subject == question.feed.selector
                status.isBusyOnly = isBusyOnly ?? false
            }
            return status
        }
    }
}

extension BerthDatabase {
    /// Whether a feed has changed, and whether what was presented opens it: one look-up. Throws `.notFound` when
    /// there is nothing to show a feed of.
    public func feedStatus(_ feed: Feed, presenting token: String?) async throws -> FeedStatus {
        try await translatingErrors {
            var presented: PresentedFeedToken?
            if let token {
                presented = PresentedFeedToken(token)
                guard presented != nil else { throw BerthError.notFound(Feed.unknown) }
            }
            let (kind, id) = try await subject(of: feed)
            return try await feeds.status(
                FeedReader.Question(kind: kind, id: id, feed: feed, token: presented))
        }
    }

    /// What changes of a feed are counted by.
    private func subject(of feed: Feed) async throws -> (kind: String, id: String) {
        switch feed {
        case .environment(let key):
            do {
                let environment = try await environments.environments([key], from: client)[0]
                return ("environment", String(environment.id))
            } catch BerthError.invalid {
                throw BerthError.notFound(Feed.unknown)
            }
        case .team(let name):
            guard let id = try await teams.id(name, from: client) else {
                throw BerthError.notFound(Feed.unknown)
            }
            return ("team", String(id))
        case .person(let name): return ("person", name)
        case .labels: return ("all", "")
        case .booking(let reference): return ("booking", String(reference.id))
        }
    }
}

extension Feed {
    /// The same for what is not there, what was revoked, and what never was.
    public static let unknown = "there is no such calendar"
}
