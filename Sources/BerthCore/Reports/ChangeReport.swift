/// How much of what changed was planned: one line of a report.
public struct ChangeReport: Sendable, Equatable {
    /// What each line is about.
    public enum Grouping: String, CaseIterable, Sendable {
        case environment, team, tier, week
    }

    /// An environment's key, a team's name (empty: nobody's), a tier, or an ISO week in UTC: `2027-W09`.
    public var key: String
    /// All changes.
    public var changes: Int
    /// Covered by a window, an own booking or an open policy.
    public var controlled: Int
    /// Covered by nothing, and by no window approved afterwards.
    public var uncontrolled: Int
    /// Declared an emergency, or in an emergency window.
    public var emergencies: Int
    /// Covered only by a window approved afterwards.
    public var approvedLate: Int
    /// Under another team's booking.
    public var underBookings: Int
    /// Recorded more than 15 minutes after they happened.
    public var late: Int
    /// Emergencies and uncontrolled ones that no manager has said anything of.
    public var awaitingReview: Int

    /// A line of the report.
    public init(
        key: String, changes: Int, controlled: Int, uncontrolled: Int, emergencies: Int,
        approvedLate: Int, underBookings: Int, late: Int, awaitingReview: Int
    ) {
        self.key = key
        self.changes = changes
        self.controlled = controlled
        self.uncontrolled = uncontrolled
        self.emergencies = emergencies
        self.approvedLate = approvedLate
        self.underBookings = underBookings
        self.late = late
        self.awaitingReview = awaitingReview
    }

    /// The share of uncontrolled changes, in whole percent; nil without changes.
    public var uncontrolledPercent: Int? { percent(uncontrolled) }

    /// The share of unplanned work, in whole percent: all that was not controlled.
    public var unplannedPercent: Int? { percent(changes - controlled) }

    private func percent(_ part: Int) -> Int? {
        changes == 0 ? nil : (part * 100 + changes / 2) / changes
    }
}
