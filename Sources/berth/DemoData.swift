import BerthCore
import BerthDatabase
import Foundation

/// Sample data that tells a story around today: two UAT environments that share a payments stub, a
/// regression under way, a release test that has to wait for it, another team in line behind it, and a training
/// environment that several teams share. Pre-production waits for its owner's approval. UAT freezes before the release;
/// a planned deployment kept to its window, and somebody changed the mainframe under the regression.
struct DemoData {
    var database: BerthDatabase
    /// Everything lies around this day.
    var now: Date

    private let owner = Caller(tokenID: 0, name: "demo", role: .admin, team: nil, labels: [:])

    /// The tokens of the people in the story.
    struct Tokens: Sendable {
        var admin: String
        var manager: String
        var booker: String
    }

    /// Makes all of it. The database is new.
    func fill() async throws -> Tokens {
        for environment in environments { try await make(environment) }
        for booking in bookings {
            _ = try await database.book(
                booking, by: owner, now: now, dryRun: false, idempotency: nil)
        }
        // Asked for by somebody who does not manage it, it waits for its owner.
        let tess = Caller(tokenID: 0, name: "tess", role: .booker, team: "crm", labels: [:])
        _ = try await database.book(
            booking(
                ["pre-prod"], opening(of: 2), opening(of: 2) + 9, "Dress rehearsal", team: "crm"),
            by: tess, now: now, dryRun: false, idempotency: nil)
        for window in windows {
            _ = try await database.createWindow(
                window, by: owner, now: now, dryRun: false, idempotency: nil, keep: Self.nothing)
        }
        for change in changes {
            _ = try await database.recordChange(
                change, by: owner, now: now, dryRun: false, idempotency: nil, keep: Self.nothing)
        }
        _ = try await database.audit(AuditRequest(recordedBy: owner.name), now: now)
        return Tokens(
            admin: try await token("demo-admin", .admin, team: nil),
            manager: try await token("demo-manager", .manager, team: "release"),
            booker: try await token("demo-booker", .booker, team: "crm"))
    }

    private var environments: [EnvironmentDraft] {
        var office = Policy()
        office.setupMinutes = 15
        office.teardownMinutes = 15
        office.maxHours = 336
        var guarded = Policy()
        guarded.approval = .manager
        guarded.openingHours = [
            Policy.OpeningHours(days: ["MO", "TU", "WE", "TH", "FR"], from: "07:00", to: "20:00")
        ]
        return [
            EnvironmentDraft(
                key: "payments-stub", name: "Payments stub", tier: "component",
                ownerTeam: "payments", labels: ["kind": "stub"], capacity: 3,
                runbook: "Simulates the card scheme. Restart with `stubctl restart`."),
            EnvironmentDraft(
                key: "mainframe-t3", name: "Mainframe region T3", tier: "component",
                ownerTeam: "core", timeZone: "Europe/London", labels: ["kind": "region"]),
            EnvironmentDraft(
                key: "uat-1", name: "UAT 1", tier: "uat", ownerTeam: "release",
                timeZone: "Europe/London", labels: ["app": "billing"],
                parts: [
                    .init(key: "payments-stub", usage: .shared),
                    .init(key: "mainframe-t3", usage: .same),
                ], policy: office, runbook: "# UAT 1\nAsk #release for a data refresh."),
            EnvironmentDraft(
                key: "uat-2", name: "UAT 2", tier: "uat", ownerTeam: "release",
                timeZone: "Europe/London", labels: ["app": "billing"],
                parts: [.init(key: "payments-stub", usage: .shared)], policy: office),
            EnvironmentDraft(
                key: "sit-1", name: "System integration 1", tier: "sit", ownerTeam: "integration",
                timeZone: "Europe/Berlin",
                parts: [.init(key: "mainframe-t3", usage: .same)]),
            EnvironmentDraft(
                key: "perf-1", name: "Performance", tier: "perf", ownerTeam: "performance",
                labels: ["size": "production"]),
            EnvironmentDraft(
                key: "training", name: "Training", tier: "training", ownerTeam: "release",
                timeZone: "America/New_York", capacity: 4),
            EnvironmentDraft(
                key: "uat-3", name: "UAT 3", tier: "uat", ownerTeam: "release",
                timeZone: "Europe/London", labels: ["app": "crm"], status: .degraded,
                statusReason: "jdoe of core: reports are slow since the refresh"),
            EnvironmentDraft(
                key: "sit-2", name: "System integration 2", tier: "sit", ownerTeam: "integration",
                timeZone: "Europe/Berlin", parts: [.init(key: "payments-stub", usage: .shared)]),
            EnvironmentDraft(
                key: "crm-dev", name: "CRM development", tier: "dev", ownerTeam: "crm",
                labels: ["app": "crm"], capacity: 6),
            EnvironmentDraft(
                key: "crm-sit", name: "CRM integration", tier: "sit", ownerTeam: "crm",
                timeZone: "Europe/London", labels: ["app": "crm"], policy: office,
                runbook: "Deploy by pipeline only. Data is masked weekly."),
            EnvironmentDraft(
                key: "pre-prod", name: "Pre-production", tier: "pre", ownerTeam: "release",
                timeZone: "Europe/London", policy: guarded),
        ]
    }

    private var bookings: [BookingDraft] {
        [
            booking(["uat-1"], -3, 5, "Regression 26.3", team: "crm", ticket: "CHG2486"),
            booking(["uat-1"], 29, 37, "Release 26.3 UAT", team: "release", ticket: "CHG2501"),
            booking(["uat-2"], -20, 28, "SIM-swap end to end", team: "mobile", ticket: "CHG2490"),
            booking(["sit-1"], 6, 22, "Mainframe upgrade check", team: "integration"),
            booking(["perf-1"], -50, -26, "Soak test, 24 h", team: "performance"),
            booking(["perf-1"], 46, 118, "Soak test, 72 h", team: "performance"),
            booking(["uat-2", "perf-1"], 140, 164, "Peak load rehearsal", team: "billing"),
            booking(["training"], 1, 9, "New joiners", team: "self-care", mode: .shared),
            booking(["training"], 3, 7, "Back office course", team: "billing", mode: .shared),
            booking(["training"], 5, 11, "Tariff model", team: "crm", mode: .shared),
            booking(["crm-sit"], -30, -4, "Campaigns smoke test", team: "crm"),
            booking(["crm-sit"], 20, 68, "Campaigns regression", team: "crm", ticket: "CHG2512"),
            booking(["crm-dev"], -10, 60, "Sprint 118", team: "crm", mode: .shared),
            booking(["crm-dev"], 10, 40, "Address service spike", team: "mobile", mode: .shared),
            booking(["uat-3"], -60, -12, "Tariff roll-out rehearsal", team: "billing"),
            booking(["uat-3"], 52, 92, "Tariff roll-out", team: "billing", ticket: "CHG2518"),
            waiting(booking(["uat-2"], 8, 26, "Loyalty points, second run", team: "crm")),
            nightly(
                booking(["sit-2"], 12, 18, "Nightly regression", team: "integration"), times: 6),
        ]
    }

    /// Stands in line when somebody else has it.
    private func waiting(_ draft: BookingDraft) -> BookingDraft {
        var draft = draft
        draft.options.onConflict = .waitlist
        return draft
    }

    private func nightly(_ draft: BookingDraft, times: Int) -> BookingDraft {
        var draft = draft
        draft.options.recurrence = RecurrenceText(rrule: "FREQ=DAILY;COUNT=\(times)")
        return draft
    }

    /// Hours from now to nine in the morning of a working day, so many days ahead or the next after it.
    private func opening(of daysAhead: Int) -> Int {
        let day = (now.timeIntervalSince1970 / 86_400).rounded(.down) + Double(daysAhead)
        // The first day of 1970 was a Thursday.
        let weekday = Int(day + 3) % 7
        let working = day + (weekday == 5 ? 2 : weekday == 6 ? 1 : 0)
        return Int((working * 86_400 + 9 * 3_600 - now.timeIntervalSince1970) / 3_600)
    }

    private var windows: [ChangeWindowDraft] {
        var freeze = window(.freeze, [], 96, 168, "Release 26.3: nothing changes in UAT")
        freeze.labels = ["tier": "uat"]
        var upgrade = window(.maintenance, ["perf-1"], 120, 124, "Storage upgrade")
        upgrade.ticket = "CHG2510"
        var deployment = window(.change, ["sit-1"], -6, -2, "Deploy CRM 26.3")
        deployment.approvedAt = now.addingTimeInterval(-86_400)
        return [freeze, upgrade, deployment]
    }

    private var changes: [ChangeDraft] {
        [
            change("sit-1", at: hour(-4), .deploy, "crm 26.3.1", by: "pipeline", team: "crm"),
            change(
                "mainframe-t3", at: now.flooredToSecond, .config, "JCL parameter by hand",
                by: "jdoe", team: nil),
            change(
                "uat-3", at: hour(-8), .restart, "Report server restarted", by: "mlee", team: "core"
            ),
            change("crm-sit", at: hour(-20), .data, "Masked refresh", by: "dba", team: "crm"),
        ]
    }

    private func window(
        _ kind: ChangeWindow.Kind, _ environments: [String], _ fromHour: Int, _ toHour: Int,
        _ title: String
    ) -> ChangeWindowDraft {
        ChangeWindowDraft(
            kind: kind, environments: environments, title: title, startsAt: hour(fromHour),
            endsAt: hour(toHour))
    }

    private func change(
        _ environment: String, at instant: Date, _ kind: ChangeKind, _ summary: String,
        by actor: String, team: String?
    ) -> ChangeDraft {
        ChangeDraft(
            environment: environment, occurredAt: instant, actor: actor, team: team, kind: kind,
            summary: summary)
    }

    /// So many hours from the hour that has begun.
    private func hour(_ hours: Int) -> Date {
        let hour = (now.timeIntervalSince1970 / 3600).rounded(.down)
        return Date(timeIntervalSince1970: (hour + Double(hours)) * 3600)
    }

    private func booking(
        _ environments: [String], _ fromHour: Int, _ toHour: Int, _ title: String, team: String,
        ticket: String? = nil, mode: Booking.Mode = .exclusive
    ) -> BookingDraft {
        BookingDraft(
            environments: environments, startsAt: hour(fromHour), endsAt: hour(toHour),
            title: title, team: team, contact: "\(team)@example.test", mode: mode, ticket: ticket,
            labels: ["release": "26.3"])
    }

    private func make(_ draft: EnvironmentDraft) async throws {
        _ = try await database.createEnvironment(
            draft, by: owner, now: now, dryRun: false, idempotency: nil, keep: Self.nothing)
    }

    /// Nobody asks again for what the demo made.
    @Sendable private static func nothing<Made>(_ made: Made) -> KeptAnswer {
        KeptAnswer(status: 201, location: nil, etag: nil, body: Data())
    }

    private func token(_ name: String, _ role: Role, team: String?) async throws -> String {
        try await database.createToken(
            TokenDraft(name: name, role: role, team: team), by: owner, now: now
        ).bearer
    }
}

extension DemoData.Tokens {
    /// What to type next.
    func invitation(to url: String, now: Date) -> String {
        let start = RFC3339.string(now.addingTimeInterval(3600))
        return """

            Berth serves its demo at \(url)

            Look at it, signed in as the booker:
              \(url)/#token=\(booker)

            Or as the release manager, who plans windows and approves:
              \(url)/#token=\(manager)

              admin token:    \(admin)
              booker token:   \(booker)   (team crm)

            Who has what:
              curl -H 'Authorization: Bearer \(booker)' \(url)/v1/bookings

            Ask for an environment that somebody has, and be told who, until when, and what is free:
              curl -H 'Authorization: Bearer \(booker)' -H 'Content-Type: application/json' \\
                -d '{"environments":["uat-2"],"startsAt":"\(start)","minutes":120,"title":"Smoke test"}' \\
                \(url)/v1/bookings

            What changed that nobody planned, and whose test it hit:
              curl -H 'Authorization: Bearer \(booker)' '\(url)/v1/changes?control=uncontrolled'

            The contract: \(url)/openapi.yaml        Stop with Ctrl-C.

            """
    }
}
