import Foundation

/// What the policies of its environments make of a booking: whom it has to ask, and what it must keep up.
///
/// Fixed when it is made or moved; a policy edited later changes no booking that stands.
public struct BookingTerms: Sendable, Equatable {
    /// One for each environment whose policy asks for a manager's approval.
    public var approvals: [Approval]
    /// Until when a request holds its claim; nil when nobody is asked.
    public var holdExpiresAt: Date?
    /// How long after its start it waits for a check-in; nil when it need not check in.
    public var checkInMinutes: Int?
    /// How long a lease runs without being renewed, in seconds; nil without a lease.
    public var leaseSeconds: Int?
    /// When the lease runs out first.
    public var leaseExpiresAt: Date?
    /// What the booking is when it is made.
    public var state: Booking.State

    /// The terms of a use of these environments. Pure.
    public init(
        of period: Range<Date>, on environments: [TestEnvironment], leaseSeconds: Int?, now: Date
    ) {
        let asking = environments.filter { $0.policy.approval == .manager }
        approvals = asking.map { Approval(environment: $0.key, ownerTeam: $0.ownerTeam) }
        if !asking.isEmpty {
            let holds = asking.compactMap(\.policy.requestHoldMinutes).map {
                now.addingTimeInterval(Double($0) * 60)
            }
            holdExpiresAt = min(holds.min() ?? period.upperBound, period.upperBound)
        }
        checkInMinutes = environments.compactMap(\.policy.checkInMinutes).min()
        self.leaseSeconds = leaseSeconds
        leaseExpiresAt = leaseSeconds.map {
            max(now, period.lowerBound).addingTimeInterval(Double($0))
        }
        state =
            if period.upperBound <= now {
                .completed
            } else if !asking.isEmpty {
                .requested
            } else if period.lowerBound <= now && checkInMinutes == nil {
                .active
            } else {
                .confirmed
            }
    }

    /// The terms of a row of a sheet: an import asks nobody and waits for no check-in.
    public init(imported period: Range<Date>, now: Date) {
        self.init(of: period, on: [], leaseSeconds: nil, now: now)
    }
}
