import BerthCore
import Crypto
import Foundation
import Postgres

/// What became of a row of windows or of changes.
public enum ImportedRecord: Sendable {
    /// It is in now.
    case imported
    /// An earlier import brought it in.
    case alreadyThere
    /// Why it was not imported, and what it met.
    case refused(RejectReason, detail: String, met: String)
}

/// A window or a change to import, and what it is known by when it is imported again.
public struct HistoryRow<Draft: Sendable>: Sendable {
    var draft: Draft
    var identity: String

    /// A row of that identity.
    public init(_ draft: Draft, identity: String) {
        self.draft = draft
        self.identity = identity
    }
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
        _ source: ImportSource<HistoryRow<ChangeWindowDraft>, ImportedRecord>, dryRun: Bool
    ) async throws {
        while let row = try await source.next(1).first {
            var draft = row.draft
            draft.importIdentity = Self.identity(row.identity)
            do {
                _ = try await database.createWindow(
                    draft, by: caller, now: now, dryRun: dryRun, idempotency: nil,
                    keep: { _ in KeptAnswer(status: 201, location: nil, etag: nil, body: Data()) })
                try await source.done([.imported])
            } catch BerthError.alreadyExists {
                try await source.done([.alreadyThere])
            } catch let error as BerthError {
                try await source.done([ImportedRecord(refusedBy: error)])
            }
        }
    }

    /// Logs each change, in order, so many a transaction.
    public func changes(
        _ source: ImportSource<HistoryRow<ChangeDraft>, ImportedRecord>, dryRun: Bool
    ) async throws {
        try await database.importAll(source, rowsTogether: Self.rowsTogether, dryRun: dryRun) {
            try await log($0, in: $1)
        }
    }

    private func log(
        _ group: [HistoryRow<ChangeDraft>], in transaction: PostgresTransaction
    ) async throws -> [ImportedRecord] {
        var outcomes: [ImportedRecord] = []
        var records: [(place: Int, record: ChangeRecord)] = []
        for (place, row) in group.enumerated() {
            var draft = row.draft
            if draft.sourceID == nil { draft.sourceID = Self.identity(row.identity) }
            do {
                let record = try await transaction.record(draft, by: caller, now: now)
                records.append((place, record))
                outcomes.append(.imported)
            } catch let error as BerthError {
                outcomes.append(try ImportedRecord(refusedBy: error))
            }
        }
        guard !records.isEmpty else { return outcomes }
        let ids = try await transaction.appendChanges(records.map(\.record))
        for (entry, id) in zip(records, ids) where id == nil {
            outcomes[entry.place] = .alreadyThere
        }
        return outcomes
    }

    private static func identity(_ text: String) -> String {
        SHA256.hash(data: Data(text.utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
            .joined()
    }
}

extension ImportedRecord {
    /// What a row was refused for; rethrows what is nobody's fault.
    fileprivate init(refusedBy error: BerthError) throws {
        switch error {
        case .invalid(let faults):
            let details = faults.map { "\($0.pointer.dropFirst()) \($0.detail)" }
            self = .refused(.invalid, detail: details.joined(separator: "; "), met: "")
        case .conflict(let refusal):
            let met = refusal.conflicts.map { "\($0.reference) \($0.title) on \($0.environment)" }
            self = .refused(
                .conflict, detail: "it may not meet what is planned there",
                met: met.joined(separator: ", "))
        case .illegalMove(let detail), .forbidden(let detail):
            self = .refused(.forbidden, detail: detail, met: "")
        default: throw error
        }
    }
}
