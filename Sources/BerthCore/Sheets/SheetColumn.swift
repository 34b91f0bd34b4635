/// The columns that one kind of sheet may have, each with the header it normally carries.
///
/// The raw value is the name used in messages and in `--columns`.
public protocol SheetColumn: RawRepresentable, CaseIterable, Hashable, Sendable
where RawValue == String, AllCases == [Self] {
    /// Other headers that mean the same column, such as the field's name in the REST API.
    var aliases: [String] { get }
    /// Columns of which a sheet must have one; each set is one requirement.
    static var required: [[Self]] { get }
}

/// The columns of a sheet of bookings.
public enum BookingColumn: String, SheetColumn {
    /// Keys, separated by `;` `,` or white space. Required.
    case environment
    /// The team that books.
    case team
    /// The start. Required.
    case from
    /// The end, exclusive. Required, unless `minutes` is there.
    case to
    /// The length, instead of `to`.
    case minutes
    /// What the environment is booked for. Required.
    case title
    /// `exclusive` (also when empty) or `shared`.
    case mode
    /// Who to ask.
    case contact
    /// A reference into a ticket system.
    case ticket
    /// Anything else.
    case notes
    /// Pairs `k:v`, separated by `;` `,` or white space.
    case labels
    /// The IANA zone of the row's local times, instead of the environment's.
    case timeZone

    /// The REST API's names.
    public var aliases: [String] {
        switch self {
        case .environment: ["environments"]
        case .from: ["startsAt"]
        case .to: ["endsAt"]
        default: []
        }
    }

    /// Where, from when, until when, and what for.
    public static var required: [[BookingColumn]] {
        [[.environment], [.from], [.to, .minutes], [.title]]
    }
}

/// The columns of a sheet of environments.
public enum EnvironmentColumn: String, SheetColumn {
    /// The key. Required.
    case key
    /// What people call it.
    case name
    /// Such as `sit` or `uat`.
    case tier
    /// The team that owns it.
    case owner
    /// Its IANA zone.
    case timeZone
    /// Most shared bookings at an instant; `unlimited` for no limit.
    case capacity
    /// Pairs `k:v`, separated by `;` `,` or white space.
    case labels
    /// Parts, `key` or `key=usage`, separated by `;` `,` or white space.
    case parts
    /// `available`, `degraded`, `unavailable` or `retired`.
    case status
    /// What to know and do, in Markdown.
    case runbook
    /// Minutes it takes to set up before each booking.
    case setupMinutes
    /// Minutes it takes to tear down after each booking.
    case teardownMinutes

    /// The REST API's names.
    public var aliases: [String] {
        self == .owner ? ["ownerTeam"] : []
    }

    /// Only the key: a sheet may update a few fields of environments that exist.
    public static var required: [[EnvironmentColumn]] { [[.key]] }
}
