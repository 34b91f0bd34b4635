import BerthCore
import Crypto
import Foundation
import Postgres

/// What an import of windows or of changes did.
public struct HistoryImportResult: Sendable {
    /// Rows that are in now.
    public var imported = 0
    /// Rows that an earlier import brought in.
    public var alreadyThere = 0
    /// Rows that were not imported: their place among the rows, why, and what they met.
    public var refused: [(row: Int, reason: RejectReason, detail: String, met: String)] = []
}

/// Brings in windows and changes as they were: an import may state when a window was approved, and its changes
/// are judged by what was in force when they happened. Importing a file again brings nothing twice.
public struct HistoryImport: Sendable {
    private static let rowsTogether = 500

    private let database: BerthDatabase
    private let caller: Caller
    private let now: Date

    /// An import by someone, at an instant. Throws `.forbidden` for who is no admin.
    public init(into database: BerthDatabase, by caller: Caller, now: Date) throws {
        guard caller.role == .admin else {
            throw BerthError.forbidden("history is imported by an admin")
        }
        self.database = database
        self.caller = caller
        self.now = now
    }

    /// Plans each window, as it was; each in a transaction of its own.
    public func windows(
        _ drafts: [(draft: ChangeWindowDraft, identity: String)], dryRun: Bool,
        progress: @Sendable (Int) -> Void
    ) async throws -> HistoryImportResult {
        var result = HistoryImportResult()
        for (index, entry) in drafts.enumerated() {
            var draft = entry.draft
            draft.importIdentity = Self.identity(entry.identity)
            do {
                _ = try await database.createWindow(
                    draft, by: caller, now: now, dryRun: dryRun, idempotency: nil,
                    keep: { _ in KeptAnswer(status: 201, location: nil, etag: nil, body: Data()) })
                result.imported += 1
            } catch BerthError.alreadyExists {
                result.alreadyThere += 1
            } catch let error as BerthError {
                try result.refuse(index, error)
            }
            progress(index + 1)
        }
        return result
    }

    /// Logs each change, in order, so many a transaction; a dry run is one transaction, rolled back.
    public func changes(
        _ drafts: [(draft: ChangeDraft, identity: String)], dryRun: Bool,
        progress: @Sendable (Int) -> Void
    ) async throws -> HistoryImportResult {
        let groups = stride(from: 0, to: drafts.count, by: Self.rowsTogether).map {
            $0..<min($0 + Self.rowsTogether, drafts.count)
        }
        guard !dryRun else {
            return try await database.decide(dryRun: true) { transaction in
                var result = HistoryImportResult()
                for group in groups {
                    try await log(drafts, group, in: transaction, &result)
                    progress(group.upperBound)
                }
                return result
            }
        }
        var result = HistoryImportResult()
        for group in groups {
            let before = result
            result = try await database.decide(dryRun: false) { transaction in
                var result = before
                try await log(drafts, group, in: transaction, &result)
                return result
            }
            progress(group.upperBound)
        }
        return result
    }

    private func log(
        _ drafts: [(draft: ChangeDraft, identity: String)], _ group: Range<Int>,
        in transaction: PostgresTransaction, _ result: inout HistoryImportResult
    ) async throws {
        var records: [ChangeRecord] = []
        for index in group {
            var draft = drafts[index].draft
            if draft.sourceID == nil { draft.sourceID = Self.identity(drafts[index].identity) }
            do {
                records.append(try await transaction.record(draft, by: caller, now: now))
            } catch let error as BerthError {
                try result.refuse(index, error)
            }
        }
        guard !records.isEmpty else { return }
        for id in try await transaction.appendChanges(records) {
            if id == nil { result.alreadyThere += 1 } else { result.imported += 1 }
        }
    }

    private static func identity(_ text: String) -> String {
        SHA256.hash(data: Data(text.utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
            .joined()
    }
}

extension HistoryImportResult {
    /// Notes what a row was refused for; rethrows what is nobody's fault.
    fileprivate mutating func refuse(_ row: Int, _ error: BerthError) throws {
        switch error {
        case .invalid(let faults):
            let detail = faults.map { "\($0.pointer.dropFirst()) \($0.detail)" }.joined(
                separator: "; ")
            refused.append((row, .invalid, detail, ""))
        case .conflict(let refusal):
            let met = refusal.conflicts.map { "\($0.reference) \($0.title) on \($0.environment)" }
            refused.append(
                (
                    row, .conflict, "it may not meet what is planned there",
                    met.joined(separator: ", ")
                ))
        case .illegalMove(let detail), .forbidden(let detail):
            refused.append((row, .forbidden, detail, ""))
        default: throw error
        }
    }
}
