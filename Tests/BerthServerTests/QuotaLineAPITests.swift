import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import Logging
import Testing

@testable import BerthServer

@Suite("The line, quotas and selections", .gated)
struct QuotaLineAPITests {
    private static let wait = #""onConflict":"waitlist""#
    private static let any = #""select":{"labels":{"tier":"uat"},"count":1}"#

    @Test(
        "Of two waiters of one team that are freed at once by two servers, a quota of one lets in one"
    )
    func atOnce() async throws {
        try await TestAPI.with { api in
            for key in ["uat-1", "uat-2"] {
                try await api.database.environment(key) { $0.policy.teamBookingsAtOnce = 1 }
            }
            let other = BerthDatabase(client: api.database.client)
            for round in 0..<12 {
                let from = Double(round * 3 + 1)
                var holders: [String] = []
                for key in ["uat-1", "uat-2"] {
                    let team = key == "uat-1" ? "one" : "two"
                    holders.append(
                        try await api.book(
                            TestAPI.booking(key, from: from, to: from + 2, #""team":"\#(team)""#),
                            as: "ada"))
                    try await api.book(
                        TestAPI.booking(key, from: from, to: from + 2, Self.wait), as: "bob")
                }
                let moves = zip([api.database.berth, other], holders)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for (server, holder) in moves {
                        let reference = try #require(BookingReference(holder))
                        group.addTask {
                            _ = try await server.cancelBooking(
                                BookingMoveCall(
                                    reference, by: TestDatabase.admin, now: TestDatabase.now),
                                reason: nil)
                        }
                    }
                    try await group.waitForAll()
                }
            }
            let rows = try await api.database.client.query(
                """
                SELECT count(*) FROM bookings one JOIN bookings two ON two.id > one.id
                 AND two.team_id = one.team_id AND two.starts_at < one.ends_at AND one.starts_at < two.ends_at
                WHERE one.state = 'confirmed' AND two.state = 'confirmed'
                """)
            #expect(try rows[0].decode(Int.self) == 0)
        }
    }

    @Test("Who waits for any that match is not left out behind many who want other things")
    func manySelections() async throws {
        try await TestAPI.with { api in
            for number in 0..<51 {
                try await api.database.environment("uat-\(number)") {
                    $0.labels = ["n": "\(number)"]
                }
                let holder = try await api.book(
                    TestAPI.booking("uat-\(number)", from: 1, to: 3, #""team":"one""#), as: "ada")
                let waiting = #"""
                    {"select":{"labels":{"n":"\#(number)"},"count":1},"title":"Any","onConflict":"waitlist",
                    "startsAt":"\#(TestAPI.at(1))","endsAt":"\#(TestAPI.at(3))"}
                    """#
                let waiter = try await api.book(waiting)
                guard number == 50 else { continue }
                try await api.move(holder, "cancel", as: "ada")
                for _ in 0..<2 { try await api.pass(to: 0.1) }
                #expect(try await api.state(waiter) == "confirmed")
            }
        }
    }

    @Test(
        "Whom only a quota keeps out is not tried again before something bears on it, and then is served"
    )
    func heldByQuota() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") { $0.policy.teamHoursPerWeek = 4 }
            let used = try await api.book(TestAPI.booking("uat-1", from: 10, to: 14))
            let holder = try await api.book(
                TestAPI.booking("uat-1", from: 1, to: 3, #""team":"one""#), as: "ada")
            let waiter = try await api.book(TestAPI.booking("uat-1", from: 1, to: 3, Self.wait))
            try await api.move(holder, "cancel", as: "ada")
            #expect(try await api.state(waiter) == "waitlisted")
            func holds() async throws -> [Date] {
                try await api.database.client.query("SELECT try_again_at FROM quota_holds")
                    .map { try $0.decode(Date.self) }
            }
            let held = try await holds()
            #expect(held.count == 1)
            try await api.pass(to: 1 / 3600)
            #expect(try await holds() == held)
            try await api.move(used, "cancel")
            try await api.pass(to: 0.1)
            #expect(try await api.state(waiter) == "confirmed")
            #expect(try await holds().isEmpty)
        }
    }

    @Test(
        "Rejecting an edit that named a later environment, or expiring it, locks in the one order")
    func lockOrder() async throws {
        try await TestAPI.with { api in
            for key in ["uat-1", "uat-2"] {
                try await api.database.environment(key) {
                    $0.ownerTeam = "crm"
                    $0.policy.approval = .manager
                    $0.policy.requestHoldMinutes = 30
                }
            }
            for verdict in ["reject", "expire", "cancel"] {
                let booked = try await api.book(TestAPI.booking("uat-1", from: 5, to: 6))
                #expect(try await api.move(booked, "approve", as: "max").status == 200)
                #expect(try await api.edit(booked, #"{"environments":["uat-2"]}"#).status == 200)
                if verdict == "expire" {
                    try await api.pass(to: 1)
                } else {
                    #expect(
                        try await api.move(
                            booked, verdict, as: verdict == "reject" ? "max" : "tess"
                        )
                        .status == 200)
                }
                if verdict == "cancel" { continue }
                let back = try await api.get("/v1/bookings/\(booked)")
                #expect(back["state"] == "confirmed")
                #expect(back.json["environments"] as? [String] == ["uat-1"])
                #expect(try await api.move(booked, "cancel").status == 200)
            }
        }
    }

    @Test("What was approved before an undecided edit counts in the quotas: it may come back")
    func undecidedEdit() async throws {
        try await TestAPI.with { api in
            try await api.database.environment("uat-1") {
                $0.ownerTeam = "crm"
                $0.policy.approval = .manager
                $0.policy.teamBookingsAtOnce = 1
            }
            try await api.database.environment("uat-2") { $0.policy.teamBookingsAtOnce = 1 }
            let first = try await api.book(TestAPI.booking("uat-1", from: 1, to: 3))
            #expect(try await api.move(first, "approve", as: "max").status == 200)
            let moved = #"{"startsAt":"\#(TestAPI.at(9))","endsAt":"\#(TestAPI.at(11))"}"#
            #expect(try await api.edit(first, moved)["state"] == "requested")
            for from in [2.0, 10] {
                let second = try await api.post(
                    "/v1/bookings", TestAPI.booking("uat-2", from: from, to: from + 1))
                #expect(second.problem == "policy", "\(second.text)")
            }
            try await api.book(TestAPI.booking("uat-2", from: 4, to: 5))
        }
    }

    @Test("Who waits for more than match by now keeps nobody else from being served")
    func tooFewMatch() async throws {
        try await TestAPI.with { api in
            for number in 1...3 {
                try await api.database.environment("uat-\(number)") { $0.labels = ["pool": "x"] }
            }
            func wait(for count: Int) async throws -> String {
                try await api.book(
                    """
                    {"select":{"labels":{"pool":"x"},"count":\(count)},"title":"Any","onConflict":"waitlist",
                    "startsAt":"\(TestAPI.at(1))","endsAt":"\(TestAPI.at(3))"}
                    """)
            }
            var holders: [String] = []
            for number in 1...3 {
                holders.append(
                    try await api.book(
                        TestAPI.booking("uat-\(number)", from: 1, to: 3, #""team":"one""#),
                        as: "ada"))
            }
            let many = try await wait(for: 3)
            let one = try await wait(for: 1)
            try await api.database.psql("UPDATE environments SET labels = '{}' WHERE key = 'uat-3'")
            try await api.move(holders[0], "cancel", as: "ada")
            try await api.pass(to: 0.1)
            #expect(try await api.state(one) == "confirmed")
            #expect(try await api.state(many) == "waitlisted")
        }
    }
}
