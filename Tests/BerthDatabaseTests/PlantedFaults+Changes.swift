import BerthTestSupport
import Foundation

extension PlantedFaults {
    /// Entries of the log, each of which says something of its own, and a whole chain over all of them.
    mutating func plantChanges(_ count: Int) {
        for _ in 0..<count {
            let environment = environment()
            let drifted = self.environment()
            let entries: [(control: String, more: [String: String], check: String?)] = [
                ("uncontrolled", ["reasons": "'{no-window}'"], "uncontrolled-changes"),
                ("uncontrolled", ["occurred_at": at(-24 * 60), "recorded_at": at(-24 * 60)], nil),
                ("controlled", [:], nil),
                ("controlled", ["reasons": "'{others-booking}'"], "changes-under-bookings"),
                ("emergency", ["emergency_reason": "'down'"], "unreviewed-emergencies"),
                ("controlled", ["is_late": "true"], "late-entries-controlled"),
            ]
            for entry in entries {
                let id = change(environment, entry.control, entry.more)
                if let check = entry.check {
                    expected.insert(ExpectedFinding(check, environment, ["\(id)"]))
                }
            }
            // Reviewed, and so done with; and one whose correction does not soften it.
            let reviewed = change(environment, "uncontrolled", [:])
            _ = change(
                environment, "uncontrolled",
                ["entry": "'review'", "root_id": "\(reviewed)", "review": "'accepted'"])
            let corrected = change(environment, "uncontrolled", [:])
            let correction = change(environment, "controlled", ["corrects": "\(corrected)"])
            expected.insert(
                ExpectedFinding("uncontrolled-changes", environment, ["\(correction)"]))
            statements.append(
                """
                INSERT INTO drifts (environment_id, component, version_from, version_to, seen_after, seen_at, settles_at)
                SELECT e.id, 'api', '1.0', '1.1', \(at(-8)), \(at(-7)), \(at(-6)) FROM environments e
                WHERE e.key = '\(drifted)'
                """)
            expect("unexplained-drift", drifted)
        }
        late.append(
            """
            DO $$
            DECLARE
                c change_log;
                v_hash bytea := sha256('berth change log');
            BEGIN
                FOR c IN SELECT * FROM change_log ORDER BY id LOOP
                    v_hash := sha256(v_hash || chain_bytes(c));
                    UPDATE change_log SET hash = v_hash WHERE id = c.id;
                END LOOP;
                UPDATE change_log_head SET id = (SELECT max(id) FROM change_log), hash = v_hash;
            END $$
            """)
    }

    private mutating func change(
        _ environment: String, _ control: String, _ more: [String: String]
    ) -> Int {
        changes += 1
        var columns = [
            "id": "\(changes)", "root_id": "\(changes)", "entry": "'change'",
            "environment_id": "(SELECT e.id FROM environments e WHERE e.key = '\(environment)')",
            "occurred_at": at(-3), "recorded_at": at(-3), "recorded_by": "'test'",
            "source": "'api'",
            "actor": "'pipeline'", "team_id": "1", "kind": "'deploy'", "summary": "'Deploy'",
            "control": "'\(control)'", "reasons": "'{}'", "bookings_hit": "'{}'",
            "is_late": "false",
            "approved_late": "false", "hash": "sha256('')",
        ]
        columns.merge(more) { $1 }
        insert("change_log", columns)
        return changes
    }
}
