import BerthCore
import Foundation

/// Makes or changes the environments of a sheet. What a sheet leaves out stays as it is.
public struct EnvironmentImport: Sendable {
    private let database: BerthDatabase
    private let caller: Caller
    private let now: Date

    /// What the import did.
    public struct Result: Sendable {
        /// Keys of environments that are new.
        public var created: [String] = []
        /// Keys of environments that changed.
        public var updated: [String] = []
        /// How many rows said what is so already.
        public var unchanged = 0
        /// Rows that were not imported.
        public var rejects: [SheetReject] = []
    }

    /// An import by someone, at an instant.
    public init(into database: BerthDatabase, by caller: Caller, now: Date) {
        self.database = database
        self.caller = caller
        self.now = now
    }

    /// Imports the rows, watched by someone. A row whose parts are further down waits for them.
    public func run(
        _ rows: [EnvironmentRow], dryRun: Bool, _ watch: ImportWatch = ImportWatch()
    ) async throws -> Result {
        var result = Result()
        var made: Set<String> = []
        var waiting = rows
        while !waiting.isEmpty {
            let keys = Set(waiting.map(\.key))
            // Those that need no row further down; when all wait for each other, the database says why not.
            let ready = waiting.filter { row in
                !row.parts.contains { keys.contains($0.key) && !made.contains($0.key) }
            }
            let now = ready.isEmpty ? waiting : ready
            for row in now {
                if watch.isStopped() { return result }
                try await importRow(row, dryRun: dryRun, planned: made, &result)
                made.insert(row.key)
                watch.show(made.count)
            }
            let done = Set(now.map(\.key))
            waiting.removeAll { done.contains($0.key) }
        }
        return result
    }

    private func importRow(
        _ row: EnvironmentRow, dryRun: Bool, planned: Set<String>, _ result: inout Result
    ) async throws {
        do {
            if let present = try await existing(row.key) {
                let changed = row.applied(to: EnvironmentDraft(present))
                guard changed != EnvironmentDraft(present) else {
                    result.unchanged += 1
                    return
                }
                _ = try await database.updateEnvironment(
                    row.key, expecting: present.version, by: caller, now: now, dryRun: dryRun
                ) { _ in row.withoutPlannedParts(changed, dryRun ? planned : []) }
                result.updated.append(row.key)
            } else {
                let draft = row.applied(to: EnvironmentDraft(key: row.key))
                _ = try await database.createEnvironment(
                    row.withoutPlannedParts(draft, dryRun ? planned : []), by: caller, now: now,
                    dryRun: dryRun, idempotency: nil,
                    keep: { _ in KeptAnswer(status: 201, location: nil, etag: nil, body: Data()) })
                result.created.append(row.key)
            }
        } catch BerthError.invalid(let faults) {
            let detail = faults.map { "\($0.pointer.dropFirst()) \($0.detail)" }
            result.rejects.append(
                SheetReject(row, reason: .invalid, detail: detail.joined(separator: "; ")))
        } catch BerthError.illegalMove(let detail) {
            result.rejects.append(SheetReject(row, reason: .conflict, detail: detail))
        } catch BerthError.forbidden(let detail) {
            result.rejects.append(SheetReject(row, reason: .forbidden, detail: detail))
        }
    }

    private func existing(_ key: String) async throws -> TestEnvironment? {
        do {
            return try await database.environment(key)
        } catch BerthError.notFound {
            return nil
        }
    }
}

extension EnvironmentRow {
    /// A draft with what the row says.
    fileprivate func applied(to draft: EnvironmentDraft) -> EnvironmentDraft {
        var draft = draft
        if let name { draft.name = name }
        if let tier { draft.tier = tier }
        if let ownerTeam { draft.ownerTeam = ownerTeam }
        if let timeZone { draft.timeZone = timeZone }
        switch capacity {
        case .unlimited: draft.capacity = nil
        case .limited(let most): draft.capacity = most
        case nil: break
        }
        if !labels.isEmpty { draft.labels = labels }
        if !parts.isEmpty { draft.parts = parts }
        if let status { draft.status = status }
        if let runbook { draft.runbook = runbook }
        if let setupMinutes { draft.policy.setupMinutes = setupMinutes }
        if let teardownMinutes { draft.policy.teardownMinutes = teardownMinutes }
        return draft
    }

    /// In a dry run the parts that earlier rows would make do not exist: they are left out.
    fileprivate func withoutPlannedParts(
        _ draft: EnvironmentDraft, _ planned: Set<String>
    ) -> EnvironmentDraft {
        var draft = draft
        draft.parts.removeAll { planned.contains($0.key) }
        return draft
    }
}
