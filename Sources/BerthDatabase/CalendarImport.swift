import BerthCore
import Crypto
import Foundation
import Postgres

/// What an import of a calendar did.
public struct CalendarImportResult: Sendable {
    /// New bookings.
    public var booked = 0
    /// New ones that were over already: kept as history, each with what it overlapped.
    public var recorded: [(reference: BookingReference, overlaps: [BookingReference])] = []
    /// Bookings of an earlier import that the calendar has otherwise now.
    public var changed = 0
    /// Bookings of an earlier import that the calendar calls off, or has no more.
    public var cancelled = 0
    /// Bookings of an earlier import that are as the calendar has them, or are over.
    public var unchanged = 0
    /// What was not done.
    public var rejects: [SheetReject] = []
}

/// Brings the bookings of a calendar in, and those of an earlier import to what the calendar has now.
///
/// A booking is known by its event's UID and by the start that the series has for it. New ones are booked as a
/// sheet's rows are; those that differ are edited and those that are gone are cancelled, as people do it, each
/// in a transaction of its own. First what frees time, then what moves, then what is new.
public struct CalendarImport: Sendable {
    /// Why a booking is cancelled whose event is.
    private static let reason = "cancelled in its calendar"

    private let database: BerthDatabase
    private let caller: Caller
    private let now: Date

    /// An import by someone, at an instant: what had ended by then is history.
    public init(into database: BerthDatabase, by caller: Caller, now: Date) {
        self.database = database
        self.caller = caller
        self.now = now
    }

    /// Imports what a calendar says of its UIDs, watched by someone. A dry run writes nothing and
    /// decides each change as if it were the only one.
    public func run(
        _ series: [BookingCalendar.Series], dryRun: Bool, _ watch: ImportWatch = ImportWatch()
    ) async throws -> CalendarImportResult {
        var result = CalendarImportResult()
        var edits: [(booking: Booking, row: SheetRow)] = []
        var new: [KnownRow] = []
        let present = try await database.imported(ofUIDs: series.map(\.uid))
        for one in series where !watch.isStopped() {
            var known = present[one.uid] ?? [:]
            for (start, row) in one.rows {
                let identity = ImportedUID(one.uid).identity(of: start)
                guard let booking = known[identity] else {
                    new.append(KnownRow(row: row, identity: identity))
                    continue
                }
                if booking.stateReason == Self.reason, booking.state == .cancelled {
                    result.rejects.append(
                        SheetReject(
                            row, reason: .invalid,
                            detail: "\(booking.reference) was cancelled in this calendar before; "
                                + "book it anew"))
                } else if booking.state.isOver || !row.differs(from: booking) {
                    result.unchanged += 1
                } else {
                    edits.append((booking, row))
                }
            }
            for start in one.mentioned { known[ImportedUID(one.uid).identity(of: start)] = nil }
            if !one.isWhole {
                let cancelled = one.cancelled.map { ImportedUID(one.uid).identity(of: $0) }
                known = known.filter { cancelled.contains($0.key) }
            }
            let gone = known.values.filter { !$0.state.isOver && $0.endsAt > now }
            for booking in gone.sorted(by: { $0.reference.id < $1.reference.id }) {
                guard try await cancel(booking, dryRun: dryRun) else { continue }
                result.cancelled += 1
            }
        }
        try await apply(edits, dryRun: dryRun, &result)
        let done = result.unchanged + result.changed
        let imports = BookingImport(into: database, by: caller, now: now)
        let later = ImportWatch(show: { watch.show(done + $0) }, isStopped: watch.isStopped)
        let rows = try await ImportSource<KnownRow, ImportedRow>.all(new, later) {
            try await imports.run(known: $0, dryRun: dryRun)
        }
        for row in rows {
            switch row {
            case .booked: result.booked += 1
            case .recorded(let reference, let overlaps):
                result.recorded.append((reference, overlaps))
            case .alreadyThere: result.unchanged += 1
            case .rejected(let reject): result.rejects.append(reject)
            }
        }
        return result
    }

    /// Whether there was anything left to cancel.
    private func cancel(_ booking: Booking, dryRun: Bool) async throws -> Bool {
        var call = call(booking, dryRun: dryRun)
        call.expecting = nil
        do {
            _ = try await database.cancelBooking(call, reason: Self.reason)
            return true
        } catch BerthError.illegalMove {
            return false
        }
    }

    private func call(_ booking: Booking, dryRun: Bool) -> BookingMoveCall {
        BookingMoveCall(
            booking.reference, expecting: booking.version, by: caller, now: now, dryRun: dryRun)
    }

    /// Edits each. One that meets another is tried once more when all others have moved.
    private func apply(
        _ edits: [(booking: Booking, row: SheetRow)], dryRun: Bool,
        _ result: inout CalendarImportResult
    ) async throws {
        var met: [(booking: Booking, row: SheetRow)] = []
        for (booking, row) in edits {
            if let reject = try await reject(of: booking, row, dryRun: dryRun) {
                if reject.reason == .conflict {
                    met.append((booking, row))
                } else {
                    result.rejects.append(reject)
                }
            } else {
                result.changed += 1
            }
        }
        for (booking, row) in met {
            if let reject = try await reject(of: booking, row, dryRun: dryRun) {
                result.rejects.append(reject)
            } else {
                result.changed += 1
            }
        }
    }

    /// Makes a booking what a row says; nil, or why it stays as it was.
    private func reject(
        of booking: Booking, _ row: SheetRow, dryRun: Bool
    ) async throws -> SheetReject? {
        do {
            let call = call(booking, dryRun: dryRun)
            _ = try await database.updateBooking(call) { row.draft(of: $0) }
            return nil
        } catch let error as BerthError {
            return try SheetReject(row, error, keeping: booking.reference)
        }
    }
}

extension SheetRow {
    /// What a booking of an earlier import is to be now.
    fileprivate func draft(of booking: Booking) -> BookingDraft {
        var draft = BookingDraft(booking)
        draft.environments = environments
        draft.startsAt = period.lowerBound
        draft.endsAt = period.upperBound
        draft.title = title
        draft.mode = mode
        draft.notes = notes
        if let team { draft.team = team }
        if let timeZone { draft.timeZone = timeZone }
        return draft
    }

    fileprivate func differs(from booking: Booking) -> Bool {
        draft(of: booking) != BookingDraft(booking)
    }
}

extension SheetReject {
    /// Why an edit was refused; rethrows what is nobody's fault.
    fileprivate init(
        _ row: SheetRow, _ error: BerthError, keeping reference: BookingReference
    ) throws {
        let stays = "; \(reference) stays as it was"
        switch error {
        case .conflict(let refusal):
            let met = refusal.conflicts.map { "\($0.reference) \($0.title) on \($0.environment)" }
            let taken = refusal.conflicts.first.map { "\($0.environment) is taken" }
            self.init(
                row, reason: .conflict, detail: (taken ?? "it is taken") + stays,
                met: met.joined(separator: "; "))
        case .policy(let violations):
            let rules = violations.map {
                "\($0.environment): \($0.rule) is \($0.limit), not \($0.value)"
            }
            self.init(row, reason: .policy, detail: rules.joined(separator: "; ") + stays)
        case .invalid(let faults):
            let details = faults.map { "\($0.pointer.dropFirst()): \($0.detail)" }
            self.init(row, reason: .invalid, detail: details.joined(separator: "; ") + stays)
        case .illegalMove(let detail), .forbidden(let detail):
            self.init(row, reason: .forbidden, detail: detail + stays)
        case .stale:
            self.init(row, reason: .conflict, detail: "it was edited meanwhile: import again")
        default: throw error
        }
    }
}

/// What bookings of one UID are known by: half of it says the UID, so that they can be found together.
struct ImportedUID {
    private static let half = 16
    private let prefix: Data

    init(_ uid: String) {
        prefix = Self.hash("berth-uid/1\n" + uid)
    }

    fileprivate var lowest: Data { prefix }
    fileprivate var highest: Data { prefix + Data(repeating: 0xFF, count: Self.half) }

    /// What the booking of a start is known by; of an event that does not recur, of no start.
    func identity(of start: Date?) -> Data {
        prefix + Self.hash(start.map(RFC3339.string) ?? "")
    }

    private static func hash(_ text: String) -> Data {
        Data(SHA256.hash(data: Data(text.utf8)).prefix(half))
    }
}

extension BerthDatabase {
    /// The bookings that earlier imports made of these UIDs, by what they are known by. One index look-up a UID.
    fileprivate func imported(ofUIDs uids: [String]) async throws -> [String: [Data: Booking]] {
        var found: [String: [Data: Booking]] = [:]
        for start in stride(from: 0, to: uids.count, by: 500) {
            let some = Array(uids[start..<min(start + 500, uids.count)])
            let known = some.map(ImportedUID.init)
            let rows = try await translatingErrors {
                try await client.query(
                    """
                    SELECT \(unescaped: Booking.columnList), b.import_identity, n.place
                    FROM unnest(\(known.map(\.lowest)), \(known.map(\.highest)))
                         WITH ORDINALITY n (lowest, highest, place)
                    JOIN bookings b
                      ON b.import_identity >= n.lowest AND b.import_identity <= n.highest
                    """)
            }
            for row in rows {
                let identity = try row.decode("import_identity", as: Data.self)
                let place = try row.decode("place", as: Int.self)
                found[some[place - 1], default: [:]][identity] = try Booking(row)
            }
        }
        return found
    }
}
