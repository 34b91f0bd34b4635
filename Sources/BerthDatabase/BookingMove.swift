import BerthCore
import Foundation

/// One step in a booking's life that somebody asks for: what it makes of the booking, or why it may not be.
struct BookingMove: Sendable {
    /// What of a booking a move changes.
    struct Change: Sendable {
        var state: Booking.State
        var stateReason: String?
        var releasedAt: Date?
        var checkedInAt: Date?
        var leaseExpiresAt: Date?
        var holdExpiresAt: Date?
        var approvals: [Approval]
        var approvedVersion: Int?
        /// An edit was refused: what was approved comes back.
        var restoresApproved = false

        /// No change yet.
        init(_ booking: Booking) {
            state = booking.state
            stateReason = booking.stateReason
            releasedAt = booking.releasedAt
            checkedInAt = booking.life.checkedInAt
            leaseExpiresAt = booking.life.leaseExpiresAt
            holdExpiresAt = booking.life.holdExpiresAt
            approvals = booking.life.approvals
            approvedVersion = booking.life.approvedVersion
        }
    }

    /// What it makes of a booking, given its environments. Throws `.illegalMove` and `.forbidden`.
    var change: @Sendable (Booking, [TestEnvironment], Caller, Date) throws -> Change
}

extension BookingMove {
    /// Calls it off. One that has begun gives back the rest of its time.
    static func cancel(reason: String?) -> BookingMove {
        BookingMove { booking, environments, caller, now in
            try booking.requireBooker(caller, environments)
            var change = Change(booking)
            change.state = .cancelled
            change.stateReason = reason
            change.approvedVersion = nil
            switch booking.state {
            case .requested where booking.life.approvedVersion != nil && booking.startsAt <= now,
                .active:
                change.releasedAt = booking.release(at: now)
            case .requested, .waitlisted, .confirmed, .displaced: break
            case .completed, .rejected, .cancelled, .expired:
                throw booking.illegalMove("cancelled")
            }
            return change
        }
    }

    /// Gives its time back: the rest of it once it has begun, all of it before.
    static func release(reason: String?) -> BookingMove {
        BookingMove { booking, environments, caller, now in
            try booking.requireBooker(caller, environments)
            var change = Change(booking)
            change.stateReason = reason
            switch booking.state {
            case .requested where booking.life.approvedVersion != nil && booking.startsAt <= now,
                .active:
                change.state = .completed
                change.approvedVersion = nil
                change.releasedAt = booking.release(at: now)
            case .requested, .confirmed:
                change.state = .cancelled
                change.approvedVersion = nil
                change.stateReason = reason ?? "released before it began"
            case .waitlisted, .displaced, .completed, .rejected, .cancelled, .expired:
                throw booking.illegalMove("released")
            }
            return change
        }
    }

    /// Says yes for the environments that the caller manages; the last yes confirms it.
    static func approve(note: String?) -> BookingMove {
        BookingMove { booking, environments, caller, now in
            var change = Change(booking)
            let decided = try booking.approvalsToDecide("approved", by: caller, environments)
            change.decide(decided, .approved, by: caller, note: note, now: now)
            if change.approvals.allSatisfy({ $0.state == .approved }) {
                let isUp = booking.life.checkInMinutes == nil || booking.life.checkedInAt != nil
                change.state = booking.startsAt <= now && isUp ? .active : .confirmed
                change.stateReason = nil
                change.holdExpiresAt = nil
                change.approvedVersion = nil
            }
            return change
        }
    }

    /// Says no, which is the last word: the request is rejected; of an edit, what was approved stays.
    static func reject(note: String?) -> BookingMove {
        BookingMove { booking, environments, caller, now in
            var change = Change(booking)
            let decided = try booking.approvalsToDecide("rejected", by: caller, environments)
            change.decide(decided, .rejected, by: caller, note: note, now: now)
            change.holdExpiresAt = nil
            if booking.life.approvedVersion != nil {
                change.restoresApproved = true
                change.stateReason = "the edit was rejected" + (note.map { ": \($0)" } ?? "")
            } else {
                change.state = .rejected
                change.stateReason = note
            }
            return change
        }
    }

    /// Its team has turned up. It may do so as early as the policy's minutes before the start.
    static func checkIn() -> BookingMove {
        BookingMove { booking, environments, caller, now in
            try booking.requireBooker(caller, environments)
            guard [.confirmed, .active].contains(booking.state), booking.life.checkedInAt == nil
            else {
                throw booking.illegalMove("checked in")
            }
            let early = Double(booking.life.checkInMinutes ?? 0) * 60
            guard now >= booking.startsAt.addingTimeInterval(-early) else {
                throw BerthError.illegalMove(
                    "\(booking.reference) starts at \(RFC3339.string(booking.startsAt)): "
                        + "check in from "
                        + RFC3339.string(booking.startsAt.addingTimeInterval(-early)))
            }
            var change = Change(booking)
            change.checkedInAt = now.flooredToSecond
            if booking.startsAt <= now { change.state = .active }
            return change
        }
    }

    /// Keeps its lease for as long as it was given for, from now on.
    static func renew() -> BookingMove {
        BookingMove { booking, environments, caller, now in
            try booking.requireBooker(caller, environments)
            guard let seconds = booking.life.leaseSeconds else {
                throw BerthError.illegalMove("\(booking.reference) has no lease to renew")
            }
            guard [.requested, .confirmed, .active].contains(booking.state) else {
                throw booking.illegalMove("renewed")
            }
            var change = Change(booking)
            change.leaseExpiresAt = max(now.flooredToSecond, booking.startsAt)
                .addingTimeInterval(Double(seconds))
            return change
        }
    }
}

extension BookingMove.Change {
    fileprivate mutating func decide(
        _ decided: [Int], _ state: Approval.State, by caller: Caller, note: String?, now: Date
    ) {
        for index in decided {
            approvals[index].state = state
            approvals[index].by = caller.name
            approvals[index].at = now.flooredToSecond
            approvals[index].note = note
        }
    }
}

extension Booking {
    /// Throws `.forbidden` for who may not move another team's booking.
    func requireBooker(_ caller: Caller, _ environments: [TestEnvironment]) throws {
        guard caller.mayBook(environments, for: team) else {
            throw BerthError.forbidden("\(reference) is \(team)'s")
        }
    }

    fileprivate func illegalMove(_ verb: String) -> BerthError {
        .illegalMove("\(reference) is \(state.rawValue): it cannot be \(verb)")
    }

    /// When its time is given back: at its start at the earliest, in whole seconds.
    fileprivate func release(at now: Date) -> Date {
        min(max(now.flooredToSecond, startsAt), endsAt)
    }

    /// The pending approvals that the caller may decide. Throws `.illegalMove` when none is pending, and
    /// `.forbidden` when they are others'.
    fileprivate func approvalsToDecide(
        _ verb: String, by caller: Caller, _ environments: [TestEnvironment]
    ) throws -> [Int] {
        let managed = Set(environments.filter(caller.manages).map(\.key))
        guard state == .requested else {
            guard !managed.isEmpty else {
                throw BerthError.forbidden("\(caller.name) manages none of its environments")
            }
            throw illegalMove(verb)
        }
        let pending = life.approvals.indices.filter { life.approvals[$0].state == .pending }
        let mine = pending.filter { managed.contains(life.approvals[$0].environment) }
        guard !mine.isEmpty else {
            throw BerthError.forbidden(
                "\(reference) waits for "
                    + pending.map { life.approvals[$0].ownerTeam ?? "an admin" }.joined(
                        separator: ", "))
        }
        return mine
    }
}
