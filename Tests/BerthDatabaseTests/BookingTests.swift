import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import Postgres
import Testing

@Suite("Making, changing and ending bookings", .gated)
struct BookingTests {
    private let now = TestDatabase.now
    private let tester = Caller(tokenID: 2, name: "tess", role: .booker, team: "crm", labels: [:])

    @Test(
        "A refusal names who holds it, until when, the part through which they meet, and what is free"
    )
    func refusal() async throws {
        try await TestDatabase.with { database in
            try await database.environment("stub")
            for key in ["uat-1", "uat-2"] {
                try await database.environment(key) {
                    $0.tier = "uat"
                    $0.parts = [.init(key: "stub", usage: .same)]
                }
            }
            try await database.environment("uat-3") { $0.tier = "uat" }
            let held = try await database.book(TestDatabase.draft("uat-2", from: 1, to: 3))
            let error = await #expect(throws: BerthError.self) {
                try await database.book(TestDatabase.draft("uat-1", from: 2, to: 4, team: "mobile"))
            }
            guard case .conflict(let refusal)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            let conflict = try #require(refusal.conflicts.first)
            #expect(refusal.conflicts.count == 1)
            #expect(conflict.environment == "uat-1")
            #expect(conflict.via == ["stub"])
            #expect(conflict.reference == held.reference.description)
            #expect(conflict.team == "crm")
            #expect(conflict.holder == "ada")
            #expect(conflict.endsAt == held.endsAt)
            let own = try await database.berth.availability(
                "uat-2", from: now, to: now.addingTimeInterval(86_400))
            #expect(own.busy.map(\.via) == [[]], "one booking is told once, where it is nearest")
            let later = refusal.alternatives.filter { $0.environments == ["uat-1"] }
            #expect(later.map { $0.startsAt.timeIntervalSince(now) / 3600 } == [3, 5, 7])
            let equal = refusal.alternatives.filter { $0.environments != ["uat-1"] }
            #expect(equal.map(\.environments) == [["uat-3"]])
            for alternative in refusal.alternatives {
                var draft = TestDatabase.draft(from: 0, to: 1)
                draft.environments = alternative.environments
                draft.startsAt = alternative.startsAt
                draft.endsAt = alternative.endsAt
                _ = try await database.berth.book(
                    draft, by: TestDatabase.admin, now: now, dryRun: true, idempotency: nil)
            }
        }
    }

    @Test("A dry run takes the same decision and writes nothing")
    func dryRun() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1")
            let draft = TestDatabase.draft("uat-1", from: 1, to: 2)
            _ = try await database.berth.book(
                draft, by: TestDatabase.admin, now: now, dryRun: true, idempotency: nil)
            #expect(
                try await database.berth.bookings(BookingFilter(), Page(limit: 10)).items.isEmpty)
            try await database.book(draft)
            await #expect(throws: BerthError.self) {
                _ = try await database.berth.book(
                    draft, by: TestDatabase.admin, now: now, dryRun: true, idempotency: nil)
            }
        }
    }

    @Test(
        "The same key answers as before, even after the booking changed; another request is refused"
    )
    func idempotency() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1")
            func key(_ hash: UInt8) -> IdempotencyKey {
                IdempotencyKey(
                    tokenID: 1, scope: "POST /v1/bookings", key: "k1",
                    requestHash: Data(repeating: hash, count: 32))
            }
            let draft = TestDatabase.draft("uat-1", from: 1, to: 2)
            let made = try await withThrowingTaskGroup(of: Booking.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        try await database.berth.book(
                            draft, by: TestDatabase.admin, now: now, dryRun: false,
                            idempotency: key(1))
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(made.map(\.reference)).count == 1)
            _ = try await database.berth.updateBooking(
                BookingMoveCall(made[0].reference, expecting: 1, by: TestDatabase.admin, now: now)
            ) {
                var draft = BookingDraft($0)
                draft.title = "Renamed"
                return draft
            }
            let again = try await database.berth.book(
                draft, by: TestDatabase.admin, now: now, dryRun: false, idempotency: key(1))
            #expect(again.title == draft.title)
            #expect(again.version == 1)
            await #expect(throws: BerthError.idempotencyKeyReused) {
                try await database.berth.book(
                    draft, by: TestDatabase.admin, now: now, dryRun: false, idempotency: key(2))
            }
            let nextDay = now.addingTimeInterval(25 * 3600)
            let later = try await database.berth.book(
                TestDatabase.draft("uat-1", from: 30, to: 31), by: TestDatabase.admin,
                now: nextDay, dryRun: false, idempotency: key(2))
            #expect(later.reference != again.reference)
        }
    }

    @Test("Cancelling before the start frees the slot; releasing while it runs frees the rest")
    func ends() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1") { $0.policy.teardownMinutes = 30 }
            let early = try await database.book(TestDatabase.draft("uat-1", from: 1, to: 3))
            _ = try await database.berth.cancelBooking(
                BookingMoveCall(early.reference, expecting: 1, by: TestDatabase.admin, now: now),
                reason: "slipped")
            let running = try await database.book(TestDatabase.draft("uat-1", from: 1, to: 5))
            let twoHoursOn = now.addingTimeInterval(2 * 3600)
            let released = try await database.berth.releaseBooking(
                BookingMoveCall(running.reference, by: TestDatabase.admin, now: twoHoursOn),
                reason: nil)
            #expect(released.state == .completed)
            #expect(released.releasedAt == twoHoursOn)
            #expect(try await database.isRefused(TestDatabase.draft("uat-1", from: 2.4, to: 3)))
            try await database.book(TestDatabase.draft("uat-1", from: 2.5, to: 3))
            await #expect(throws: BerthError.self) {
                try await database.berth.releaseBooking(
                    BookingMoveCall(running.reference, by: TestDatabase.admin, now: twoHoursOn),
                    reason: nil)
            }
        }
    }

    @Test("Time moves bookings on, each once, with any number of servers at it")
    func clockwork() async throws {
        try await TestDatabase.with { database in
            for place in 0..<20 {
                try await database.environment("uat-\(place)")
                try await database.book(TestDatabase.draft("uat-\(place)", from: 1, to: 2))
            }
            let clockwork = Clockwork(database.berth, logger: .init(label: "test"))
            for (hours, state) in [(0.5, "confirmed"), (1, "active"), (2, "completed")] {
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<4 {
                        group.addTask {
                            try? await clockwork.advance(to: now.addingTimeInterval(hours * 3600))
                        }
                    }
                }
                let bookings = try await database.berth.bookings(BookingFilter(), Page(limit: 50))
                #expect(bookings.items.allSatisfy { $0.state.rawValue == state })
            }
            let history = try await database.client.query(
                "SELECT count(*) FROM booking_versions WHERE version > 2")
            #expect(try history[history.startIndex].decode(Int.self) == 0)
        }
    }

    @Test("History tells every version: what it was, since when, and who made it so")
    func history() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1")
            let booking = try await database.book(TestDatabase.draft("uat-1", from: 1, to: 2))
            let later = now.addingTimeInterval(60)
            _ = try await database.berth.updateBooking(
                BookingMoveCall(booking.reference, expecting: 1, by: tester, now: later)
            ) {
                var draft = BookingDraft($0)
                draft.title = "Regression 26.4"
                return draft
            }
            let versions = try await database.berth.bookingHistory(
                booking.reference, Page(limit: 10)
            ).items
            #expect(versions.map(\.booking.title) == ["Regression 26.4", "Regression 26.3"])
            #expect(versions.map(\.by) == ["tess", "ada"])
            #expect(versions.map(\.validFrom) == [later, now])
            #expect(versions.map(\.validUntil) == [nil, later])
        }
    }

    @Test("A stale edit is refused, and of two edits at once one wins")
    func staleEdits() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1")
            let booking = try await database.book(TestDatabase.draft("uat-1", from: 1, to: 2))
            let won = await withTaskGroup(of: Bool.self) { group in
                for editor in 0..<8 {
                    group.addTask {
                        do {
                            _ = try await database.berth.updateBooking(
                                BookingMoveCall(
                                    booking.reference, expecting: 1, by: tester, now: now)
                            ) {
                                var draft = BookingDraft($0)
                                draft.title = "Editor \(editor)"
                                return draft
                            }
                            return true
                        } catch {
                            return false
                        }
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(won == 1)
            #expect(try await database.berth.booking(booking.reference).version == 2)
        }
    }

    @Test("Another team's booking is not edited, ended or made")
    func otherTeams() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1")
            let booking = try await database.book(
                TestDatabase.draft("uat-1", from: 1, to: 2, team: "mobile"))
            await #expect(throws: BerthError.self) {
                try await database.berth.cancelBooking(
                    BookingMoveCall(booking.reference, by: tester, now: now), reason: nil)
            }
            await #expect(throws: BerthError.self) {
                try await database.berth.updateBooking(
                    BookingMoveCall(booking.reference, expecting: 1, by: tester, now: now)
                ) { BookingDraft($0) }
            }
            await #expect(throws: BerthError.self) {
                try await database.berth.book(
                    TestDatabase.draft("uat-1", from: 3, to: 4, team: "mobile"), by: tester,
                    now: now,
                    dryRun: false, idempotency: nil)
            }
            #expect(try await database.berth.booking(booking.reference).state == .confirmed)
        }
    }

    @Test("Of a batch in which one request breaks the statement, all others are decided")
    func brokenNeighbour() async throws {
        try await TestDatabase.with { database in
            for place in 0..<8 { try await database.environment("uat-\(place)") }
            let booked = await withTaskGroup(of: Bool.self) { group in
                for place in 0..<8 {
                    group.addTask {
                        // A NUL is refused by PostgreSQL itself, for the whole statement.
                        let title = place == 3 ? "broken \u{0} title" : "sound"
                        return
                            (try? await database.book(
                                TestDatabase.draft("uat-\(place)", from: 1, to: 2, title: title)))
                            != nil
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(booked == 7)
        }
    }

    @Test("Filters and pages of the list lose and double nothing while others book")
    func lists() async throws {
        try await TestDatabase.with { database in
            try await database.environment("uat-1")
            try await database.environment("uat-2")
            for hour in 0..<30 {
                try await database.book(
                    TestDatabase.draft("uat-1", from: Double(hour), to: Double(hour + 1)))
            }
            var both = TestDatabase.draft(from: 40, to: 41, team: "mobile")
            both.environments = ["uat-2", "uat-1"]
            both.labels = ["release": "26.3"]
            try await database.book(both)

            var seen: [Int64] = []
            var after: String?
            repeat {
                let page = try await database.berth.bookings(
                    BookingFilter(), Page(limit: 7, after: after))
                seen += page.items.map(\.reference.id)
                after = page.next
                try await database.book(
                    TestDatabase.draft(
                        "uat-2", from: 100 + Double(seen.count), to: 101 + Double(seen.count)))
            } while after != nil
            #expect(seen.count == 31)
            #expect(Set(seen).count == 31)

            func count(_ adjust: (inout BookingFilter) -> Void) async throws -> Int {
                var filter = BookingFilter()
                adjust(&filter)
                return try await database.berth.bookings(filter, Page(limit: 100)).items.count
            }
            #expect(try await count { $0.environment = "uat-1" } == 31)
            #expect(try await count { $0.team = "mobile" } == 1)
            #expect(try await count { $0.labels = ["release": "26.3"] } == 1)
            #expect(try await count { $0.states = [.cancelled] } == 0)
            #expect(
                try await count {
                    $0.from = now.addingTimeInterval(5.5 * 3600)
                    $0.to = now.addingTimeInterval(7 * 3600)
                } == 2)
        }
    }
}
