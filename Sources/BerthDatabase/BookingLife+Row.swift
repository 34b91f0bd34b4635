import BerthCore
import Foundation
import Postgres

extension BookingLife {
    /// One column for all of it, of `bookings b`: null for the many bookings that go through nothing.
    static let column = """
        CASE WHEN b.series_id IS NOT NULL OR b.approvals <> '[]' OR b.check_in_minutes IS NOT NULL
               OR b.checked_in_at IS NOT NULL OR b.lease_seconds IS NOT NULL OR b.wait_until IS NOT NULL
               OR b.displaced_by IS NOT NULL
        THEN jsonb_build_object(
            'approvals', b.approvals, 'holdExpiresAt', b.hold_expires_at,
            'approvedVersion', b.approved_version, 'checkInMinutes', b.check_in_minutes,
            'checkedInAt', b.checked_in_at, 'leaseSeconds', b.lease_seconds,
            'leaseExpiresAt', b.lease_expires_at, 'waitUntil', b.wait_until,
            'startsWhenFree', b.starts_when_free, 'displacedBy', b.displaced_by,
            'waitPosition', CASE WHEN b.state IN ('waitlisted', 'displaced')
                            THEN wait_position(b.id) END,
            'recurrenceId', b.recurrence_id,
            'series', (SELECT jsonb_build_object('id', s.id, 'rrule', s.rrule, 'exdates', s.exdates,
                                                 'rdates', s.rdates)
                       FROM series s WHERE s.id = b.series_id)) END
        """
}

/// What the column ``BookingLife/column`` holds.
struct StoredLife: Decodable, Sendable {
    private var approvals: [Approval]
    private var holdExpiresAt: Date?
    private var approvedVersion: Int?
    private var checkInMinutes: Int?
    private var checkedInAt: Date?
    private var leaseSeconds: Int?
    private var leaseExpiresAt: Date?
    private var waitUntil: Date?
    private var startsWhenFree: Bool
    private var displacedBy: String?
    private var waitPosition: Int?
    private var recurrenceId: Date?
    private var series: Series?

    private struct Series: Decodable {
        var id: Int64
        var rrule: String
        var exdates: [Date]
        var rdates: [Date]
    }

    var life: BookingLife {
        var life = BookingLife()
        life.approvals = approvals
        life.holdExpiresAt = holdExpiresAt
        life.approvedVersion = approvedVersion
        life.checkInMinutes = checkInMinutes
        life.checkedInAt = checkedInAt
        life.leaseSeconds = leaseSeconds
        life.leaseExpiresAt = leaseExpiresAt
        life.waitUntil = waitUntil
        life.startsWhenFree = startsWhenFree
        life.displacedBy = displacedBy
        life.waitPosition = waitPosition
        if let series, let recurrenceId {
            life.occurrence = BookingLife.Occurrence(
                series: SeriesReference(id: series.id), recurrenceID: recurrenceId,
                recurrence: RecurrenceText(
                    rrule: series.rrule, exdates: series.exdates, rdates: series.rdates))
        }
        return life
    }
}

/// What few bookings have, as `book()` takes it.
struct StoredExtras: Encodable, Sendable {
    var seriesId: Int64?
    var recurrenceId: Date?
    var approvals: [Approval]?
    var holdExpiresAt: Date?
    var checkInMinutes: Int?
    var leaseSeconds: Int?
    var leaseExpiresAt: Date?

    /// Nil when the booking is one of the many that have nothing of it.
    init?(_ terms: BookingTerms, occurrence: BookingLife.Occurrence?) {
        if terms.approvals.isEmpty, terms.checkInMinutes == nil, terms.leaseSeconds == nil,
            occurrence == nil
        {
            return nil
        }
        seriesId = occurrence?.series.id
        recurrenceId = occurrence?.recurrenceID
        approvals = terms.approvals.isEmpty ? nil : terms.approvals
        holdExpiresAt = terms.holdExpiresAt
        checkInMinutes = terms.checkInMinutes
        leaseSeconds = terms.leaseSeconds
        leaseExpiresAt = terms.leaseExpiresAt
    }
}
