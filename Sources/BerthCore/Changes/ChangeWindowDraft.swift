import Foundation

/// What a change window is to be.
public struct ChangeWindowDraft: Sendable, Equatable {
    /// What is planned.
    public var kind: ChangeWindow.Kind
    /// The keys of the environments; empty where a selector stands for them.
    public var environments: [String]
    /// A selector: what matches it, now and later; nil where environments are named.
    public var labels: [String: String]?
    /// Whether it also holds on all that they contain. A freeze does without it.
    public var includeParts = false
    /// The team whose changes alone it covers; nil: everybody's.
    public var team: String?
    /// What it is for.
    public var title: String
    /// A ticket elsewhere.
    public var ticket: String?
    /// More about it.
    public var notes: String?
    /// The freeze that this change is excepted from.
    public var exceptionTo: WindowReference?
    /// Why it could not be planned.
    public var emergency: String?
    /// The first instant of its first occurrence.
    public var startsAt: Date
    /// The first instant that is no longer part of its first occurrence.
    public var endsAt: Date
    /// The zone in which it recurs; nil: its first environment's.
    public var timeZone: String?
    /// When it comes back.
    public var recurrence: RecurrenceText?
    /// What is done with bookings in the way of a maintenance.
    public var onConflict: ChangeWindow.OnConflict = .refuse
    /// Since when it was approved, as an import may state.
    public var approvedAt: Date?
    /// What an imported row is known by, so that it makes one window.
    public var importIdentity: String?

    /// A window on environments, or on what a selector matches.
    public init(
        kind: ChangeWindow.Kind, environments: [String] = [], labels: [String: String]? = nil,
        title: String, startsAt: Date, endsAt: Date
    ) {
        self.kind = kind
        self.environments = environments
        self.labels = labels
        self.title = title
        self.startsAt = startsAt
        self.endsAt = endsAt
    }

    /// How long each occurrence lasts, in seconds.
    public var length: TimeInterval { endsAt.timeIntervalSince(startsAt) }

    /// Throws `.invalid` for what no window can be, and `.forbidden` for what the caller may not ask for.
    ///
    /// - Parameters:
    ///   - managesAll: Whether the caller manages all environments that it is about.
    ///   - planned: The start that was planned before: it may be past by now.
    public func check(
        by caller: Caller, managesAll: Bool, planned: Date? = nil, now: Date
    ) throws {
        var faults: [FieldFault] = []
        if exceptionTo != nil, kind != .change {
            faults.append(FieldFault("/exceptionTo", "needs kind to be change"))
        }
        if onConflict == .displace, kind != .maintenance {
            faults.append(FieldFault("/onConflict", "displaces for a maintenance only"))
        }
        if emergency != nil { faults += emergencyFaults(now: now) }
        guard faults.isEmpty else { throw BerthError.invalid(faults) }
        guard !managesAll else { return }
        if onConflict == .displace {
            throw BerthError.forbidden("bookings are displaced by who manages the environments")
        }
        let late = now.addingTimeInterval(-Double(Limits.lateStartSeconds))
        if startsAt < late, startsAt != planned {
            throw BerthError.invalid(
                "/startsAt",
                "is more than 5 minutes past: that is planned by who manages the environments")
        }
        guard team == nil || team == caller.team else {
            throw BerthError.forbidden(
                "\(caller.name) asks for \(caller.team ?? "no team"), not for \(team ?? "")")
        }
    }

    private func emergencyFaults(now: Date) -> [FieldFault] {
        var faults: [FieldFault] = []
        if kind != .change { faults.append(FieldFault("/emergency", "needs kind to be change")) }
        if recurrence != nil {
            faults.append(FieldFault("/recurrence", "an emergency is one time"))
        }
        if exceptionTo != nil {
            faults.append(
                FieldFault("/exceptionTo", "an emergency goes through freezes: leave it out"))
        }
        if team == nil {
            faults.append(FieldFault("/team", "is required: an emergency is one team's"))
        }
        if length > Double(Limits.emergencyMinutes) * 60 {
            faults.append(FieldFault("/endsAt", "an emergency lasts at most 4 hours"))
        }
        if startsAt.timeIntervalSince(now) > Double(Limits.lateStartSeconds) {
            faults.append(FieldFault("/startsAt", "an emergency is now: leave it out"))
        }
        return faults
    }
}
