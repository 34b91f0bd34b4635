import BerthCore
import Foundation
import Postgres

extension TestEnvironment {
    /// What a query selects to make one, of `environments e`.
    static let columnList = """
        e.id, e.key, e.name, e.tier, (SELECT t.name FROM teams t WHERE t.id = e.owner_team_id),
        e.time_zone, e.labels, e.capacity, e.status, e.status_reason, e.status_until,
        array(SELECT x.key FROM unnest(e.part_ids) WITH ORDINALITY p (id, place)
              JOIN environments x ON x.id = p.id ORDER BY p.place),
        e.part_usages, e.policy, e.runbook, e.version
        """

    init(_ row: PostgresRow) throws {
        var columns = row.columns
        try self.init(&columns)
    }

    init(_ columns: inout PostgresColumnReader) throws {
        let id: Int64 = try columns.next()
        let key: String = try columns.next()
        let name: String = try columns.next()
        let tier: String = try columns.next()
        let owner: String? = try columns.next()
        let timeZone: String = try columns.next()
        let labels: StoredLabels = try columns.next()
        let capacity: Int? = try columns.next()
        let status: Status = try columns.next()
        let statusReason: String? = try columns.next()
        let statusUntil: Date? = try columns.next()
        let partKeys: [String] = try columns.next()
        let usages: [Part.Usage] = try columns.next()
        let policy: PostgresJSON<Policy> = try columns.next()
        let runbook: String = try columns.next()
        let version: Int = try columns.next()
        self.init(
            id: id, key: key, name: name, tier: tier, ownerTeam: owner, timeZone: timeZone,
            labels: labels.labels, capacity: capacity, status: status, statusReason: statusReason,
            statusUntil: statusUntil,
            parts: zip(partKeys, usages).map { Part(key: $0, usage: $1) },
            policy: policy.value, runbook: runbook, version: version)
    }
}

extension TestEnvironment.Status: PostgresEncodable, PostgresDecodable {}
extension TestEnvironment.Part.Usage: PostgresEncodable, PostgresDecodable, PostgresArrayElement {}
