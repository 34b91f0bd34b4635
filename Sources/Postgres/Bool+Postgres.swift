extension Bool: PostgresArrayElement, PostgresDecodable {
    /// `boolean`
    public static var postgresType: PostgresType { .bool }
    /// `boolean[]`
    public static var postgresArrayType: PostgresType { .boolArray }

    /// Appends one byte.
    public func encode(into bytes: inout PostgresBytes) { bytes.append(UInt8(self ? 1 : 0)) }

    /// Reads `boolean`.
    public init(postgres value: PostgresValue) throws {
        guard value.type == .bool, let byte = value.integer(UInt8.self) else {
            throw value.mismatch(Self.self)
        }
        self = byte != 0
    }
}
