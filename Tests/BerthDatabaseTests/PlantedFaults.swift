import BerthCore
import BerthTestSupport
import Foundation

/// What an audit should say of a planted fault.
struct ExpectedFinding: Hashable, CustomStringConvertible {
    var check: String
    var environment: String?
    var subjects: Set<String>

    init(_ check: String, _ environment: String?, _ subjects: Set<String> = []) {
        self.check = check
        self.environment = environment
        self.subjects = subjects
    }

    init(_ finding: Finding) {
        self.init(finding.check, finding.environment, Set(finding.subjects))
    }

    var description: String {
        "\(check) on \(environment ?? "-"): \(subjects.sorted().joined(separator: " "))"
    }
}

/// Writes faults straight into the tables of a scratch database, each on environments of its own, and remembers
/// what an audit should say of them. The same seed plants the same faults.
struct PlantedFaults {
    /// Everything that an audit should find, and nothing else.
    var expected: Set<ExpectedFinding> = []
    /// The statements that plant it. Triggers and constraints are out of the way when they run.
    var statements: [String] = []
    /// What has to be done once all records are there.
    var late: [String] = []
    private var random: SeededRandom
    private var environments = 0
    private var bookings = 100_000
    private var windows = 5_000
    var changes = 0

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
    }

    /// Plants a number of faults of each kind.
    mutating func plant(ofEach count: Int) {
        for _ in 0..<count {
            plantOverlaps()
            plantCrowd()
            plantWrongClaims()
            plantClashingWindows()
            plantBrokenRules()
            plantClosedEnvironments()
            plantWhatTimeForgot()
            plantUses()
            plantPeople()
        }
    }

    // MARK: - Double bookings

    private mutating func plantOverlaps() {
        let start = hour(-200...200)
        let partly = environment()
        let one = booking([partly], start, start + 4)
        let two = booking([partly], start + number(1...3), start + 6)
        expect("overlapping-bookings", partly, one, two)

        // The short one in between hides the long one from who looks at the one before alone.
        let behind = environment()
        let long = booking([behind], start, start + 100)
        let first = booking([behind], start + 10, start + 12)
        let second = booking([behind], start + 50, start + 52, state: "completed")
        expect("overlapping-bookings", behind, long, first)
        expect("overlapping-bookings", behind, long, second)

        let mixed = environment()
        let alone = booking([mixed], start, start + 4)
        let sharing = booking([mixed], start + 3, start + 6, mode: "shared")
        expect("overlapping-bookings", mixed, alone, sharing)

        let part = environment()
        let left = environment(parts: [part: "same"])
        let right = environment(parts: [part: "exclusive"])
        let whole = booking([left], start, start + 4)
        let other = booking([right], start + 2, start + 5, mode: "shared")
        expect("overlapping-bookings", part, whole, other)

        let buffered = environment()
        let before = booking([buffered], start, start + 4, ["teardown_minutes": "30"])
        let after = booking([buffered], start + 4.25, start + 6)
        expect("overlapping-bookings", buffered, before, after)

        // An edit that is not decided holds both its times.
        let edited = environment()
        let edit = booking(
            [edited], start, start + 2, state: "requested",
            ["version": "2", "approved_version": "1", "hold_expires_at": at(500)])
        statements.append(
            """
            INSERT INTO booking_versions (
                booking_id, version, state, environment_ids, starts_at, ends_at, time_zone, title, team_id, mode,
                labels, priority, setup_minutes, teardown_minutes, record_only, valid_from, valid_until, updated_by)
            SELECT b.id, 1, 'confirmed', b.environment_ids, \(at(start + 10)), \(at(start + 12)), b.time_zone, b.title,
                   b.team_id, b.mode, b.labels, b.priority, 0, 0, false, b.created_at, b.updated_at, 'test'
            FROM bookings b WHERE b.id = \(edit.dropFirst(3))
            """)
        let meets = booking([edited], start + 11, start + 13)
        expect("overlapping-bookings", edited, edit, meets)
        if start > -2 && start < 24 { expect("undecided-requests", edited, edit) }
    }

    private mutating func plantCrowd() {
        let start = hour(-200...200)
        let crowded = environment(["capacity": "2"])
        let three = [
            booking([crowded], start, start + 5, mode: "shared"),
            booking([crowded], start + 1, start + 3, mode: "shared"),
            booking([crowded], start + 2, start + 6, mode: "shared"),
        ]
        _ = booking([crowded], start + 5, start + 8, mode: "shared")
        expected.insert(ExpectedFinding("over-capacity", crowded, Set(three)))
    }

    // MARK: - What is held

    private mutating func plantWrongClaims() {
        let start = hour(-200...200)
        let missing = environment()
        let unclaimed = booking([missing], start, start + 4)
        let left = environment()
        let over = booking([left], start, start + 4, state: "cancelled")
        let moved = environment()
        let elsewhere = booking([moved], start, start + 4)
        let loose = environment()
        let weak = booking([loose], start, start + 4)
        let unheld = environment()
        let window = self.window("change", [unheld], start + 300, start + 304)
        let unspanned = environment()
        let unseen = self.window("change", [unspanned], start + 300, start + 304)
        late.append(
            """
            DELETE FROM claims WHERE booking_id = \(unclaimed.dropFirst(3));
            INSERT INTO claims (booking_id, environment_id, period, share_key)
            SELECT b.id, b.environment_ids[1], tstzrange(b.starts_at, b.ends_at), b.id
            FROM bookings b WHERE b.id = \(over.dropFirst(3));
            UPDATE claims SET period = tstzrange(lower(period) + interval '1 hour', upper(period))
            WHERE booking_id = \(elsewhere.dropFirst(3));
            UPDATE claims SET share_key = 0 WHERE booking_id = \(weak.dropFirst(3));
            DELETE FROM claims WHERE window_id = \(window.dropFirst(3));
            DELETE FROM window_spans WHERE window_id = \(unseen.dropFirst(3));
            """)
        expect("claims-differ", missing, unclaimed)
        expect("claims-differ", left, over)
        expect("claims-differ", moved, elsewhere)
        expect("claims-differ", loose, weak)
        expect("claims-differ", unheld, window)
        expect("claims-differ", unspanned, unseen)
    }

    // MARK: - Windows

    private mutating func plantClashingWindows() {
        let start = hour(-200...200)
        let worked = environment()
        let user = booking([worked], start, start + 4)
        let work = window("maintenance", [worked], start + 1, start + 2)
        expect("bookings-in-maintenance", worked, user, work)

        let part = environment()
        let whole = environment(parts: [part: "shared"])
        let far = booking([whole], start, start + 4)
        let below = window("maintenance", [part], start + 3, start + 5)
        expect("bookings-in-maintenance", part, far, below)

        let frozen = environment()
        let freeze = window("freeze", [frozen], start, start + 48)
        let change = window("change", [frozen], start + 10, start + 12)
        let exception = window(
            "change", [frozen], start + 20, start + 22, ["exception_to": "\(freeze.dropFirst(3))"])
        _ = exception
        expect("windows-in-freezes", frozen, change, freeze)

        let busy = environment()
        let tested = booking([busy], 30, 40, team: "2")
        let planned = window("change", [busy], 35, 36, ["team_id": "1"])
        _ = window("change", [busy], 38, 39, ["team_id": "2"])
        expect("windows-over-bookings", busy, planned, tested)
    }

    // MARK: - Rules

    private mutating func plantBrokenRules() {
        let start = hour(48...120)
        let short = environment(["policy": #"'{"maxHours": 4}'"#])
        expect("outside-policy", short, booking([short], start, start + 5))
        _ = booking([short], start + 5, start + 9)

        let near = environment(["policy": #"'{"horizonDays": 2}'"#])
        expect("outside-policy", near, booking([near], 60, 61))

        // It is Monday, 9 o'clock in London; Friday's last hour is at 97 hours from here.
        let office = environment([
            "time_zone": "'Europe/London'",
            "policy":
                #"'{"openingHours": [{"days": ["MO","TU","WE","TH","FR"], "from": "08:00", "to": "18:00"}]}'"#,
        ])
        _ = booking([office], 24, 33)
        expect("outside-policy", office, booking([office], 55, 59))
        expect("outside-policy", office, booking([office], 121, 122))

        let fair = environment(["policy": #"'{"teamHoursPerWeek": 10}'"#])
        let hog = [booking([fair], 20, 26, team: "3"), booking([fair], 30, 36, team: "3")]
        _ = booking([fair], 40, 49, team: "4")
        expected.insert(ExpectedFinding("outside-policy", fair, Set(hog)))

        // Quotas of bookings at once count over all environments that have one: a team of its own each time.
        let team = environments + 1_000
        statements.append(
            """
            INSERT INTO teams (id, name, created_at, updated_at) OVERRIDING SYSTEM VALUE
            VALUES (\(team), 'greedy-\(team)', \(at(-24)), \(at(-24)))
            """)
        let single = environment(["policy": #"'{"teamBookingsAtOnce": 1}'"#, "capacity": "5"])
        let both = [
            booking([single], 30, 36, mode: "shared", team: "\(team)"),
            booking([single], 32, 34, mode: "shared", team: "\(team)"),
        ]
        expected.insert(ExpectedFinding("outside-policy", single, Set(both)))
    }

    private mutating func plantClosedEnvironments() {
        let retired = environment(["status": "'retired'"])
        expect("bookings-on-closed-environments", retired, booking([retired], 10, 12))
        _ = booking([retired], -12, -10, state: "completed")
        let away = environment(["status": "'unavailable'", "status_until": at(20)])
        expect("bookings-on-closed-environments", away, booking([away], 10, 12))
        _ = booking([away], 21, 23)
    }

    // MARK: - What time should have done

    private mutating func plantWhatTimeForgot() {
        let held = environment()
        expect(
            "overdue-holds", held,
            booking([held], 100, 102, state: "requested", ["hold_expires_at": at(-1)]))
        let waited = environment()
        _ = booking([waited], 50, 60)
        expect(
            "overdue-holds", waited,
            booking([waited], 52, 54, state: "waitlisted", ["wait_until": at(-0.5)]))
        let leased = environment()
        expect(
            "overdue-holds", leased,
            booking(
                [leased], -5, 5, state: "active",
                ["lease_seconds": "600", "lease_expires_at": at(-1)]))

        let empty = environment()
        expect(
            "no-shows", empty, booking([empty], -2, 2, ["check_in_minutes": "30"]))
        let missed = environment()
        expect(
            "no-shows", missed,
            booking(
                [missed], -30, -28, state: "expired",
                ["state_reason": "'no-show'", "updated_at": at(-29)]))

        // Somebody stands in line for what is free; another, behind a booking, rightly does.
        let free = environment()
        _ = booking([free], 10, 14)
        _ = booking([free], 11, 13, state: "waitlisted", ["wait_until": at(11)])
        expect(
            "waiters-to-serve", free,
            booking([free], 20, 22, state: "waitlisted", ["wait_until": at(20)]))

        let asked = environment()
        expect(
            "undecided-requests", asked,
            booking([asked], number(1...20), 30, state: "requested", ["hold_expires_at": at(30)]))
        let planned = environment()
        expect(
            "undecided-requests", planned,
            window("change", [planned], 5, 7, ["state": "'requested'"]))
    }

    // MARK: - Use

    private mutating func plantUses() {
        let idle = environment(["created_at": at(-24 * 100)])
        _ = booking([idle], -24 * 70, -24 * 69, state: "completed")
        expect("idle-environments", idle)

        let full = environment()
        _ = booking([full], 0, 24 * 7)
        _ = booking([full], 24 * 7, 24 * 14, mode: "exclusive")
        expect("full-environments", full)

        let wanted = environment()
        statements.append(
            """
            INSERT INTO refusals (day, environment_id, team_id, refused, minutes)
            SELECT \(at(-24))::date, e.id, t.id, 3, 60 * 15 FROM environments e CROSS JOIN teams t
            WHERE e.key = '\(wanted)' AND t.id IN (1, 2)
            """)
        expect("contention", wanted)
    }

    private mutating func plantPeople() {
        let left = environment()
        expect("bookings-of-nobody", left, booking([left], 10, 12, ["requested_by": "'gone'"]))
        let disbanded = environment()
        expect("bookings-of-nobody", disbanded, booking([disbanded], 10, 12, team: "5"))
        let lost = environment()
        expect("bookings-of-nobody", lost, booking([lost], 10, 12, team: "999999"))
        _ = booking([left], -12, -10, state: "completed", ["requested_by": "'gone'"])
    }

    // MARK: - Pieces

    mutating func expect(_ check: String, _ environment: String, _ subjects: String...) {
        expected.insert(ExpectedFinding(check, environment, Set(subjects)))
    }

    private mutating func hour(_ bounds: ClosedRange<Int>) -> Double {
        Double(Int.random(in: bounds, using: &random))
    }

    private mutating func number(_ bounds: ClosedRange<Int>) -> Double {
        hour(bounds)
    }

    func at(_ hours: Double) -> String {
        "'\(RFC3339.string(TestDatabase.now.addingTimeInterval(hours * 3600)))'::timestamptz"
    }

    mutating func insert(_ table: String, _ columns: [String: String]) {
        let sorted = columns.sorted { $0.key < $1.key }
        statements.append(
            """
            INSERT INTO \(table) (\(sorted.map(\.key).joined(separator: ", "))) OVERRIDING SYSTEM VALUE
            VALUES (\(sorted.map(\.value).joined(separator: ", ")))
            """)
    }

    mutating func environment(
        _ more: [String: String] = [:], parts: [String: String] = [:]
    ) -> String {
        environments += 1
        let key = "f-\(environments)"
        var columns = [
            "key": "'\(key)'", "name": "'\(key)'", "tier": "'test'", "owner_team_id": "1",
            "time_zone": "'UTC'", "created_at": at(-24 * 30), "updated_at": at(-24 * 30),
            "updated_by": "'test'",
        ]
        let keys = parts.keys.sorted()
        if !keys.isEmpty {
            columns["part_ids"] =
                "ARRAY[\(keys.map { "(SELECT e.id FROM environments e WHERE e.key = '\($0)')" }.joined(separator: ", "))]"
            columns["part_usages"] =
                "ARRAY[\(keys.map { "'\(parts[$0] ?? "")'" }.joined(separator: ", "))]"
        }
        columns.merge(more) { $1 }
        insert("environments", columns)
        return key
    }

    private mutating func booking(
        _ keys: [String], _ from: Double, _ until: Double, state: String? = nil,
        mode: String = "exclusive", team: String = "1", _ more: [String: String] = [:]
    ) -> String {
        bookings += 1
        let natural = until <= 0 ? "completed" : from <= 0 ? "active" : "confirmed"
        let checksIn = more["check_in_minutes"] != nil
        var columns = [
            "id": "\(bookings)",
            "state": "'\(state ?? (checksIn ? "confirmed" : natural))'",
            "environment_ids":
                "array(SELECT e.id FROM environments e WHERE e.key IN (\(keys.map { "'\($0)'" }.joined(separator: ", "))))",
            "starts_at": at(from), "ends_at": at(until), "time_zone": "'UTC'",
            "title": "'Booking \(bookings)'", "team_id": team, "mode": "'\(mode)'",
            "requested_by": "'here'", "created_at": at(-240), "updated_at": at(-2),
            "updated_by": "'test'",
        ]
        columns.merge(more) { $1 }
        insert("bookings", columns)
        return "BK-\(bookings)"
    }

    private mutating func window(
        _ kind: String, _ keys: [String], _ from: Double, _ until: Double,
        _ more: [String: String] = [:]
    ) -> String {
        windows += 1
        var columns = [
            "id": "\(windows)", "kind": "'\(kind)'", "state": "'approved'",
            "environment_ids":
                "array(SELECT e.id FROM environments e WHERE e.key IN (\(keys.map { "'\($0)'" }.joined(separator: ", "))))",
            "title": "'Window \(windows)'", "requested_by": "'here'", "approved_at": at(-240),
            "starts_at": at(from), "ends_at": at(until), "time_zone": "'UTC'",
            "occurrence_starts": "ARRAY[\(at(from))]", "created_at": at(-24 * 20),
            "updated_at": at(-240), "updated_by": "'test'", "team_id": "1",
        ]
        columns.merge(more) { $1 }
        insert("change_windows", columns)
        return "CW-\(windows)"
    }
}
