/// Every bound that Berth puts on what it is given, in one place; each is in `openapi.yaml` and each
/// refusal has a test.
public enum Limits {
    /// The most bytes of a request's body.
    public static let bodyBytes = 1 << 20
    /// The most connections from one address, unless the operator says otherwise.
    public static let connectionsPerAddress = 256
    /// How many requests without a good token an address may send in a row; then one a second.
    public static let failuresInARow = 10
    /// The most bytes of a form that signs one in.
    public static let signInBytes = 4_096
    /// How long a session of the page lasts without being used, in hours.
    public static let sessionHours = 12
    /// The sessions that one token may have; one more ends the oldest.
    public static let sessionsPerToken = 20
    /// How deep JSON may nest.
    public static let jsonDepth = 32
    /// The size of a page of a list when the caller does not say, and the most it may ask for.
    public static let defaultPageSize = 50
    /// The most items that a page may have.
    public static let longestPage = 200
    /// The longest title of a booking, in characters; also of every other line of text.
    public static let titleCharacters = 200
    /// The longest short text without a limit of its own: team, contact, ticket, name, tier.
    public static let textCharacters = 200
    /// The most names among which one that nobody knows is looked for.
    public static let namesCompared = 2_000
    /// The longest report of an outage: who reports stands before it in the status' reason.
    public static let outageCharacters = 120
    /// The longest note or runbook, in characters.
    public static let notesCharacters = 10_000
    /// Labels on one record, and the longest key and value, in characters.
    public static let labels = 50
    /// The longest key of a label, in characters.
    public static let labelKeyCharacters = 63
    /// The longest value of a label, in characters.
    public static let labelValueCharacters = 255
    /// How long one waits in line for what may start when it is free, unless told otherwise, in hours.
    public static let waitHours = 24
    /// The longest that one may wait in line, in days.
    public static let waitDays = 90
    /// The longest lease between two renewals, in seconds.
    public static let leaseSeconds = 86_400
    /// The longest that one request waits for a booking to change, in seconds.
    public static let preferredWaitSeconds = 60
    /// The most requests that wait for a booking to change, in one server; more are answered at once.
    public static let waitsTogether = 500
    /// The streams of one server, and of one token.
    public static let streams = 2_000
    /// The streams of one token: a browser needs one, whatever its tabs.
    public static let streamsPerToken = 20
    /// The longest recurrence rule, in characters.
    public static let ruleCharacters = 1_000
    /// The most occurrences of a series of bookings.
    public static let occurrences = 366
    /// The most occurrences of a change window.
    public static let windowOccurrences = 2_000
    /// The most environments that a change window lists.
    public static let environmentsPerWindow = 500
    /// The most spans of a change window: its occurrences, on each environment.
    public static let windowSpans = 16_000
    /// The longest change window, in days.
    public static let windowDays = 366
    /// The longest emergency window, in minutes.
    public static let emergencyMinutes = 240
    /// The most bookings that one maintenance displaces.
    public static let bookingsDisplaced = 500
    /// The most components of one inventory.
    public static let components = 10_000
    /// How long a difference between inventories waits for a change that explains it, in seconds.
    public static let settlingSeconds = 900
    /// How far ahead a gate looks for its next transition, in days, and how many instants it weighs.
    public static let gateDays = 90
    /// The most instants that a gate weighs for its next transition.
    public static let gateInstants = 500
    /// The most findings of one check that a run of the audit lists; more are counted.
    public static let findingsPerCheck = 1_000
    /// The largest number that tunes a check.
    public static let auditSetting = 10_000
    /// The runs of the audit that are kept.
    public static let auditsKept = 400
    /// The longest that a waiver may last, in days.
    public static let waiverDays = 366
    /// The longest summary of a change, in characters.
    public static let summaryCharacters = 500
    /// How far ahead of Berth's clock a change may have happened, in seconds: clocks differ.
    public static let clockSkewSeconds = 300
    /// The most faults that are told of one body of events, or of names repeated in one body.
    public static let faultsListed = 50
    /// The longest attribute of an event, in bytes.
    public static let attributeBytes = 1_000
    /// The most events of a batch.
    public static let eventsPerBatch = 1_000
    /// The most bytes of a batch of events.
    public static let eventBytes = 16 << 20
    /// The most bookings that one call moves by days.
    public static let bookingsShifted = 500
    /// The most environments of one booking.
    public static let environmentsPerBooking = 20
    /// The longest key of an environment, in bytes: a DNS label's (RFC 1035, section 2.3.4).
    public static let keyBytes = 63
    /// The most shared bookings at an instant that a capacity may state.
    public static let capacity = 10_000
    /// The most parts of one environment.
    public static let partsPerEnvironment = 100
    /// The longest booking, and the longest span of one question about availability, in days.
    public static let bookingDays = 366
    /// The longest span of one question about availability, in days.
    public static let availabilityDays = 366
    /// The longest span of a timeline, in days.
    public static let timelineDays = 100
    /// The most environments of a timeline.
    public static let timelineEnvironments = 2_000
    /// The most lines of bookings, of windows and of changes in a timeline, each.
    public static let timelineLines = 50_000
    /// The longest span of a report, in days.
    public static let reportDays = 366
    /// The slots that a search for free time finds when the caller does not say.
    public static let defaultSlots = 20
    /// The most slots that one search for free time may ask for.
    public static let slotsFound = 100
    /// The most environments among which a search looks for some that can be booked together.
    public static let slotCandidates = 500
    /// Feed tokens that one person may have in use.
    public static let feedTokens = 100
    /// How far ahead free slots are looked for, in days.
    public static let alternativesDays = 90
    /// How late a booking may start before now, in seconds, for those who may not write history.
    public static let lateStartSeconds = 300
    /// The latest instant that a booking may name: 9999-12-31T23:59:59Z, in seconds since 1970.
    public static let latestSecond = 253_402_300_799
    /// The most conflicts that one refusal lists.
    public static let conflictsListed = 20
    /// Free slots and equal environments that one refusal offers, each.
    public static let alternativeSlots = 3
    /// Equal environments that one refusal offers.
    public static let alternativeEnvironments = 5
    /// The longest `Idempotency-Key`, in characters, and how long its answer is kept, in hours.
    public static let idempotencyKeyCharacters = 255
    /// How long the answer to a key is kept, in hours.
    public static let idempotencyHours = 24
    /// The longest buffer before or after a booking, in minutes.
    public static let bufferMinutes = 10_080
    /// Bytes of one imported sheet, before decoding: about two million rows as teams write them.
    public static let sheetBytes = 256 * 1024 * 1024
    /// Fields in one row of a sheet.
    public static let sheetFields = 256
    /// Different cells with environments' names that are remembered while a sheet is read.
    static let sheetNamesKept = 10_000
    /// Bytes of one field of a sheet; above what the longest note needs at four bytes a character.
    public static let sheetFieldBytes = 64 * 1024
    /// Bookings that one imported calendar gives: each is read, compared and decided in memory.
    public static let calendarBookings = 20_000
    /// Events that recur, in one imported calendar: to expand one can take 5 ms, whatever it gives.
    public static let calendarSeries = 2_000
    /// The longest booking given by its length, in minutes.
    public static let bookingMinutes = bookingDays * 24 * 60
    /// Years that a local time may lie in; zone rules are tabulated for these.
    public static let years = 1970...2199
}
