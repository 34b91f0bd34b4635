import Foundation
import ICalendar

/// A calendar whose events are bookings: every event is a booking, one that recurs is a booking for each of its
/// occurrences, and each is read, rejected or passed over; none is lost.
public struct BookingCalendar: Sendable {
    /// What is said once for all events.
    public struct Options: Sendable {
        /// Keys, in place of each event's LOCATION.
        public var environments: [String]
        /// In place of the CATEGORIES that names a team.
        public var team: String?
        /// How they use what they book.
        public var mode: Booking.Mode
        /// How much is taken of a series that has no end; nil: none of it.
        public var endless: Range<Date>?

        /// Options; what they leave out, each event says.
        public init(
            environments: [String] = [], team: String? = nil, mode: Booking.Mode = .exclusive,
            endless: Range<Date>? = nil
        ) {
            self.environments = environments
            self.team = team
            self.mode = mode
            self.endless = endless
        }
    }

    /// What the calendar says of one UID.
    public struct Series: Sendable {
        /// The UID; of an event without one, its content.
        public let uid: String
        /// The bookings that are to be, by the start that the series has for each; of an event that does not
        /// recur, by no start.
        public internal(set) var rows: [(start: Date?, row: SheetRow)] = []
        /// The starts that are mentioned, be it as rows or as rejects.
        public internal(set) var mentioned: Set<Date?> = []
        /// The starts that are called off by themselves.
        public internal(set) var cancelled: Set<Date?> = []
        /// All of it is here and was understood: what is not mentioned is not to be.
        public internal(set) var isWhole = false
    }

    /// The headers of a reject's fields.
    public static let header = ["uid", "summary", "location", "start", "end"]

    /// By UID, in the file's order.
    public private(set) var series: [Series] = []
    /// The events that cannot be bookings.
    public private(set) var rejects: [SheetReject] = []
    /// How many events were passed over because they keep nobody from the time (TRANSP).
    public private(set) var transparent = 0
    /// How many series have no end, and were taken in part.
    public private(set) var endless = 0

    private var rowCount = 0
    private var recurringCount = 0
    private let options: Options
    private let names: KnownNames

    /// Reads the events of a calendar. Rejects a series without end, unless told how much of it to take, one of more than ``Limits/occurrences``, and
    /// what goes beyond ``Limits/calendarBookings`` or ``Limits/calendarSeries`` in all. O(bookings), and at most
    /// 5 ms an event that recurs.
    public init(_ file: CalendarFile, options: Options, names: KnownNames) {
        self.options = options
        self.names = names
        for fault in file.faults { reject(fault) }
        let broken = Dictionary(
            file.faults.compactMap { fault in fault.uid.map { ($0, fault.line) } },
            uniquingKeysWith: { first, _ in first })
        var order: [String] = []
        var byUID: [String: [CalendarEvent]] = [:]
        for event in file.events {
            let uid = event.uid.isEmpty ? Self.content(of: event) : event.uid
            if byUID[uid, default: []].isEmpty { order.append(uid) }
            byUID[uid, default: []].append(event)
        }
        for uid in order { read(uid, byUID[uid] ?? [], brokenAt: broken[uid]) }
        rejects.sort { $0.line < $1.line }
    }

    private static func content(of event: CalendarEvent) -> String {
        "berth-event/1\n\(event.start.timeIntervalSince1970) \(event.end.timeIntervalSince1970)\n"
            + "\(event.location)\n\(event.summary)"
    }

    /// The latest revision for each start; those before it are rejected.
    private mutating func latest(of events: [CalendarEvent]) -> [Date?: CalendarEvent] {
        var latest: [Date?: CalendarEvent] = [:]
        for event in events {
            guard let other = latest[event.recurrenceID] else {
                latest[event.recurrenceID] = event
                continue
            }
            let (kept, dropped) = event.sequence > other.sequence ? (event, other) : (other, event)
            latest[event.recurrenceID] = kept
            reject(dropped, .duplicate, "UID: line \(kept.line) says this event otherwise")
        }
        return latest
    }

    private mutating func read(_ uid: String, _ events: [CalendarEvent], brokenAt: Int?) {
        var series = Series(uid: uid)
        var overrides = latest(of: events)
        if let main = overrides.removeValue(forKey: nil) {
            readMain(main, &series, overrides: overrides, brokenAt: brokenAt)
            if main.status == .cancelled { overrides = [:] }
        }
        for (start, event) in overrides.sorted(by: { $0.value.line < $1.value.line }) {
            if event.status == .cancelled || event.isTransparent {
                series.cancelled.insert(start)
                transparent += event.status == .cancelled ? 0 : 1
            } else {
                book(event, [(start, event.start..<event.end)], &series)
            }
        }
        self.series.append(series)
    }

    private mutating func readMain(
        _ main: CalendarEvent, _ series: inout Series, overrides: [Date?: CalendarEvent],
        brokenAt: Int?
    ) {
        if let brokenAt {
            reject(main, .invalid, "line \(brokenAt), of the same UID, cannot be read")
            return
        }
        series.isWhole = true
        if main.status == .cancelled { return }
        if main.isTransparent {
            transparent += 1
            return
        }
        let recurs = main.rule != nil || !main.additions.isEmpty
        recurringCount += recurs ? 1 : 0
        guard recurringCount <= Limits.calendarSeries else {
            series.isWhole = false
            reject(
                main, .invalid,
                "the calendar has more than \(Limits.calendarSeries) events that recur: split it")
            return
        }
        do throws(RecurrenceFault) {
            let periods = try main.occurrences(
                atMost: Limits.occurrences, endless: options.endless)
            if main.isEndless { endless += 1 }
            let own = periods.map { (start: recurs ? $0.lowerBound : nil, period: $0) }
            book(main, own.filter { overrides[$0.period.lowerBound] == nil }, &series)
        } catch {
            series.isWhole = false
            reject(main, .invalid, "RRULE: \(error)")
        }
    }

    /// Makes a booking of each of these periods of an event, or rejects the event.
    private mutating func book(
        _ event: CalendarEvent, _ periods: [(start: Date?, period: Range<Date>)],
        _ series: inout Series
    ) {
        series.mentioned.formUnion(periods.map(\.start))
        guard rowCount + periods.count <= Limits.calendarBookings else {
            reject(
                event, .invalid,
                "the calendar gives more than \(Limits.calendarBookings) bookings: split it")
            return
        }
        do throws(EventFault) {
            let booking = try EventBooking(event, options: options, names: names)
            for (start, period) in periods {
                let source = source(event, period)
                series.rows.append((start, booking.row(of: period, source)))
            }
            rowCount += periods.count
        } catch {
            reject(event, error.reason, error.detail)
        }
    }

    private func source(_ event: CalendarEvent, _ period: Range<Date>) -> SheetSource {
        SheetSource(
            line: event.line, place: rejects.count + 1,
            fields: [
                Self.short(event.uid), Self.short(event.summary), Self.short(event.location),
                RFC3339.string(period.lowerBound), RFC3339.string(period.upperBound),
            ])
    }

    /// A series can be rejected as often as it has occurrences: none of them is to fill a disk.
    private static func short(_ text: String) -> String {
        String(text.prefix(Limits.textCharacters))
    }

    private mutating func reject(_ event: CalendarEvent, _ reason: RejectReason, _ detail: String) {
        rejects.append(
            SheetReject(
                source(event, event.start..<event.end), copy: nil, reason: reason, detail: detail))
    }

    private mutating func reject(_ fault: CalendarFault) {
        let source = SheetSource(
            line: fault.line, place: rejects.count + 1,
            fields: [Self.short(fault.uid ?? ""), "", "", "", ""])
        rejects.append(
            SheetReject(source, copy: nil, reason: .invalid, detail: fault.detail))
    }
}
