import Foundation
import ICalendar

/// What a calendar shows of a series of bookings.
public struct FeedSeries: Sendable {
    /// How people name it.
    public var reference: SeriesReference
    /// Its rule and what is left out and added.
    public var recurrence: RecurrenceText
    /// The first occurrence, as the rule had it.
    public var first: Range<Date>
    /// The zone on whose clock it recurs.
    public var timeZone: String
    /// How often any of its bookings was revised.
    public var revisions: Int
    /// When any of its bookings last was.
    public var updatedAt: Date
    /// Those of its bookings that the calendar is about, by ``FeedBooking/recurrenceID``.
    public var bookings: [FeedBooking]

    /// A series as a calendar shows it.
    public init(
        reference: SeriesReference, recurrence: RecurrenceText, first: Range<Date>,
        timeZone: String, revisions: Int, updatedAt: Date, bookings: [FeedBooking]
    ) {
        self.reference = reference
        self.recurrence = recurrence
        self.first = first
        self.timeZone = timeZone
        self.revisions = revisions
        self.updatedAt = updatedAt
        self.bookings = bookings
    }

    /// The clock by which it recurs; nil: UTC, which is never changed.
    var clock: SeriesClock? {
        timeZone == "UTC" ? nil : SeriesClock(.named(timeZone), first: first.lowerBound)
    }
}

extension FeedWriter {
    /// A series: one entry with the rule, and one for each occurrence that is not as the rule has it. What the
    /// calendar does not show of it, it excludes. Empty when nothing of it is shown.
    ///
    /// Those that it shares with most, the entry has from the last booking that stands: an edit of what follows
    /// leaves the past as exceptions, and not the future.
    ///
    /// - Parameter isShown: Whether a cancelled booking is still told of.
    public func entries(
        _ series: FeedSeries, isShown: (FeedBooking) -> Bool
    ) throws -> [CalendarEntry] {
        let rule = try RecurrenceRule(series.recurrence.rrule)
        let set = Recurrence(
            rule, exclusions: series.recurrence.exdates, additions: series.recurrence.rdates)
        let starts = try set.starts(
            from: series.first.lowerBound, in: .named(series.timeZone),
            atMost: Limits.occurrences)
        var shown: [Date: FeedBooking] = [:]
        for booking in series.bookings where !booking.isCancelled || isShown(booking) {
            if let id = booking.recurrenceID { shown[id] = booking }
        }
        let order = shown.sorted { $0.key < $1.key }
        guard let pattern = (order.last { !$0.value.isCancelled } ?? order.last)?.value else {
            return []
        }
        let length = series.first.upperBound.timeIntervalSince(series.first.lowerBound)
        var master = entry(pattern, in: series)
        master.start = series.first.lowerBound
        master.end = series.first.upperBound
        if master.url != nil { master.url = url(of: series.reference) }
        master.createdAt = order.map(\.value.createdAt).min() ?? pattern.createdAt
        master.recurrence = Recurrence(
            rule,
            exclusions: (starts.filter { shown[$0] == nil } + series.recurrence.exdates).sorted(),
            additions: series.recurrence.rdates.filter { shown[$0] != nil })
        var entries = [master]
        for (id, booking) in order {
            let isAsTheRuleHasIt =
                booking.startsAt == id && booking.endsAt == id.addingTimeInterval(length)
                && series.clock?.isChanged(from: id, to: booking.endsAt) != true
            guard !isAsTheRuleHasIt || !looksLike(booking, pattern) else { continue }
            var exception = entry(booking, in: series)
            exception.recurrenceID = id
            entries.append(exception)
        }
        return entries
    }

    private func entry(_ booking: FeedBooking, in series: FeedSeries) -> CalendarEntry {
        var entry = entry(booking, uid: uid(series.reference), sequence: series.revisions)
        entry.modifiedAt = series.updatedAt
        entry.clock = series.clock
        return entry
    }

    private func looksLike(_ one: FeedBooking, _ other: FeedBooking) -> Bool {
        one.environments == other.environments && one.title == other.title
            && one.team == other.team && one.status == other.status && one.mode == other.mode
            && one.contact == other.contact && one.ticket == other.ticket
            && one.notes == other.notes && one.requestedBy == other.requestedBy
    }
}
