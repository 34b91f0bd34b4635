import Foundation

extension Date: PostgresArrayElement, PostgresDecodable {
    /// `timestamptz`
    public static var postgresType: PostgresType { .timestamptz }
    /// `timestamptz[]`
    public static var postgresArrayType: PostgresType { .timestamptzArray }

    /// Appends microseconds since 2000, which is what PostgreSQL stores; finer fractions are
    /// rounded. A date outside of the years -4712 to 294276 is refused.
    public func encode(into bytes: inout PostgresBytes) throws {
        bytes.append(try postgresMicroseconds())
    }

    /// Reads `timestamptz`. Whole microseconds survive both ways, as long as `Date` can hold them:
    /// from 1858 to 2143 it can hold them all. `infinity` has no date, and is refused.
    public init(postgres value: PostgresValue) throws {
        guard value.type == .timestamptz, let microseconds = value.integer(Int64.self) else {
            throw value.mismatch(Self.self)
        }
        guard let date = Date(postgresMicroseconds: microseconds) else {
            throw value.mismatch(Self.self, "it is infinite")
        }
        self = date
    }

    /// Foundation counts from 2001, PostgreSQL from 2000, which was a leap year.
    private static let secondsBetweenEpochs: Int64 = 366 * 86400

    private static let supportedSeconds = -211_845_067_200.0..<9_223_340_415_000.0

    func postgresMicroseconds() throws -> Int64 {
        // Seconds and fraction apart: their product would lose the last digits.
        let seconds = timeIntervalSinceReferenceDate.rounded(.down)
        guard Self.supportedSeconds.contains(seconds) else {
            throw PostgresError(.encoding, "the date is outside of PostgreSQL's range")
        }
        let fraction = timeIntervalSinceReferenceDate - seconds
        return (Int64(seconds) + Self.secondsBetweenEpochs) * 1_000_000
            + Int64((fraction * 1_000_000).rounded())
    }

    init?(postgresMicroseconds microseconds: Int64) {
        guard microseconds != .max, microseconds != .min else { return nil }
        let (seconds, fraction) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        self.init(
            timeIntervalSinceReferenceDate: Double(seconds - Self.secondsBetweenEpochs)
                + Double(fraction) / 1_000_000)
    }
}
