extension Int16: PostgresArrayElement, PostgresDecodable {
    /// `smallint`
    public static var postgresType: PostgresType { .int2 }
    /// `smallint[]`
    public static var postgresArrayType: PostgresType { .int2Array }

    /// Appends two bytes.
    public func encode(into bytes: inout PostgresBytes) { bytes.append(self) }

    /// Reads `smallint`.
    public init(postgres value: PostgresValue) throws { self = try value.widened() }
}

extension Int32: PostgresArrayElement, PostgresDecodable {
    /// `integer`
    public static var postgresType: PostgresType { .int4 }
    /// `integer[]`
    public static var postgresArrayType: PostgresType { .int4Array }

    /// Appends four bytes.
    public func encode(into bytes: inout PostgresBytes) { bytes.append(self) }

    /// Reads `integer` and `smallint`.
    public init(postgres value: PostgresValue) throws { self = try value.widened() }
}

extension Int64: PostgresArrayElement, PostgresDecodable {
    /// `bigint`
    public static var postgresType: PostgresType { .int8 }
    /// `bigint[]`
    public static var postgresArrayType: PostgresType { .int8Array }

    /// Appends eight bytes.
    public func encode(into bytes: inout PostgresBytes) { bytes.append(self) }

    /// Reads `bigint`, `integer` and `smallint`.
    public init(postgres value: PostgresValue) throws { self = try value.widened() }
}

extension Int: PostgresArrayElement, PostgresDecodable {
    /// `bigint`
    public static var postgresType: PostgresType { .int8 }
    /// `bigint[]`
    public static var postgresArrayType: PostgresType { .int8Array }

    /// Appends eight bytes.
    public func encode(into bytes: inout PostgresBytes) { bytes.append(Int64(self)) }

    /// Reads `bigint`, `integer` and `smallint`.
    public init(postgres value: PostgresValue) throws { self = try value.widened() }
}

extension PostgresValue {
    /// Reads an integer that is no wider than the one wanted: by type, not by value, so that a
    /// wrong pair fails in the first test and not on the first large number.
    fileprivate func widened<Wanted: FixedWidthInteger>() throws -> Wanted {
        let integer: Int64?
        switch type {
        case .int2: integer = self.integer(Int16.self).map(Int64.init)
        case .int4 where Wanted.bitWidth >= 32: integer = self.integer(Int32.self).map(Int64.init)
        case .int8 where Wanted.bitWidth >= 64: integer = self.integer(Int64.self)
        default: throw mismatch(Wanted.self)
        }
        guard let integer else { throw mismatch(Wanted.self, "the value is cut short") }
        return Wanted(integer)
    }
}
