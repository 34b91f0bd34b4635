/// Every bound that Berth puts on what it is given, in one place; each is in `openapi.yaml` and each
/// refusal has a test.
public enum Limits {
    /// The most bytes of a request's body.
    public static let bodyBytes = 1 << 20
    /// How deep JSON may nest.
    public static let jsonDepth = 32
    /// The size of a page of a list when the caller does not say, and the most it may ask for.
    public static let defaultPageSize = 50
    public static let longestPage = 200
    /// The longest title of a booking, in characters; also of every other line of text.
    public static let titleCharacters = 200
    /// The longest note or runbook, in characters.
    public static let notesCharacters = 10_000
    /// Labels on one record, and the longest key and value, in characters.
    public static let labels = 50
    public static let labelKeyCharacters = 63
    public static let labelValueCharacters = 255
    /// The most environments of one booking.
    public static let environmentsPerBooking = 20
    /// The most parts of one environment.
    public static let partsPerEnvironment = 100
    /// The longest booking, and the longest span of one question about availability, in days.
    public static let bookingDays = 366
    public static let availabilityDays = 366
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
    public static let alternativeEnvironments = 5
    /// The longest `Idempotency-Key`, in characters, and how long its answer is kept, in hours.
    public static let idempotencyKeyCharacters = 255
    public static let idempotencyHours = 24
    /// The longest buffer before or after a booking, in minutes.
    public static let bufferMinutes = 10_080
}
