import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import Testing

/// Two servers over one database: what one remembers, the other may have changed.
@Suite("Two servers", .gated)
struct ServersTests {
    private func change(
        _ key: String, on server: BerthDatabase,
        _ change: @Sendable (inout EnvironmentDraft) -> Void
    ) async throws {
        _ = try await server.updateEnvironment(
            key, expecting: nil, by: TestDatabase.admin, now: TestDatabase.now, dryRun: false
        ) { environment in
            var draft = EnvironmentDraft(environment)
            change(&draft)
            return draft
        }
    }

    @Test("A policy relaxed through one server no longer refuses on the other")
    func relaxed() async throws {
        try await TestDatabase.with { database in
            let other = BerthDatabase(client: database.client)
            try await database.environment("uat-1") { $0.policy.maxHours = 1 }
            let draft = TestDatabase.draft("uat-1", from: 1, to: 3)
            func book() async throws -> Booking {
                try await other.book(
                    draft, by: TestDatabase.admin, now: TestDatabase.now, dryRun: false,
                    idempotency: nil)
            }
            await #expect(throws: BerthError.self) { try await book() }
            try await change("uat-1", on: database.berth) { $0.policy.maxHours = nil }
            #expect(try await book().state == .confirmed)
        }
    }

    @Test("An environment made available through one server is bookable on the other")
    func available() async throws {
        try await TestDatabase.with { database in
            let other = BerthDatabase(client: database.client)
            try await database.environment("uat-1") { $0.status = .unavailable }
            let draft = TestDatabase.draft("uat-1", from: 1, to: 3)
            func book() async throws -> Booking {
                try await other.book(
                    draft, by: TestDatabase.admin, now: TestDatabase.now, dryRun: false,
                    idempotency: nil)
            }
            await #expect(throws: BerthError.self) { try await book() }
            try await change("uat-1", on: database.berth) { $0.status = .available }
            #expect(try await book().state == .confirmed)
            try await change("uat-1", on: database.berth) { $0.policy.maxHours = 1 }
            await #expect(throws: BerthError.self) {
                try await other.book(
                    TestDatabase.draft("uat-1", from: 5, to: 8), by: TestDatabase.admin,
                    now: TestDatabase.now, dryRun: false, idempotency: nil)
            }
        }
    }

    @Test("A token revoked on one server is refused by the other within a second, told or not")
    func revoked() async throws {
        try await TestDatabase.with { database in
            let other = BerthDatabase(client: database.client)
            let made = try await database.berth.createToken(
                TokenDraft(name: "bob", role: .booker, team: "crm"), by: TestDatabase.admin,
                now: TestDatabase.now)
            #expect(
                try await other.authenticate(bearer: made.bearer, now: TestDatabase.now)?.name
                    == "bob")
            _ = try await database.berth.revokeToken(made.token.id, now: TestDatabase.now)
            // Nobody listens here: only time ends what is remembered.
            let later = TestDatabase.now.addingTimeInterval(1)
            #expect(try await other.authenticate(bearer: made.bearer, now: later) == nil)
        }
    }
}
