import Foundation

extension Range: PostgresEncodable where Bound == Date {
    /// `tstzrange`
    public static var postgresType: PostgresType { .tstzrange }

    /// Appends `[lower, upper)`. Where both are equal the server makes it `empty`.
    public func encode(into bytes: inout PostgresBytes) throws {
        bytes.append(PostgresRangeFlags.lowerInclusive.rawValue)
        try bytes.appendSized { try lowerBound.encode(into: &$0) }
        try bytes.appendSized { try upperBound.encode(into: &$0) }
    }
}

extension Range: PostgresArrayElement where Bound == Date {
    /// `tstzrange[]`
    public static var postgresArrayType: PostgresType { .tstzrangeArray }
}

extension Range: PostgresDecodable where Bound == Date {
    /// Reads a `tstzrange` of the form `[lower, upper)`. An empty or unbounded one, or one with
    /// other bounds, is no half-open period, and is refused.
    public init(postgres value: PostgresValue) throws {
        guard value.type == .tstzrange, let bits = value.integer(UInt8.self) else {
            throw value.mismatch(Self.self)
        }
        let flags = PostgresRangeFlags(rawValue: bits)
        guard !flags.contains(.empty) else { throw value.mismatch(Self.self, "it is empty") }
        guard flags.isDisjoint(with: [.lowerInfinite, .upperInfinite]) else {
            throw value.mismatch(Self.self, "it is unbounded")
        }
        guard flags == .lowerInclusive else {
            throw value.mismatch(Self.self, "its bounds are not [)")
        }
        // After the flags: a length of four bytes and the bound, twice.
        guard let lower = value.integer(Int64.self, at: 5),
            let upper = value.integer(Int64.self, at: 17)
        else { throw value.mismatch(Self.self, "the value is cut short") }
        guard let lowerBound = Date(postgresMicroseconds: lower),
            let upperBound = Date(postgresMicroseconds: upper)
        else { throw value.mismatch(Self.self, "a bound is infinite") }
        self = lowerBound..<upperBound
    }
}

/// The first byte of a range in binary.
private struct PostgresRangeFlags: OptionSet {
    let rawValue: UInt8

    static let empty = PostgresRangeFlags(rawValue: 0x01)
    static let lowerInclusive = PostgresRangeFlags(rawValue: 0x02)
    static let lowerInfinite = PostgresRangeFlags(rawValue: 0x08)
    static let upperInfinite = PostgresRangeFlags(rawValue: 0x10)
}
