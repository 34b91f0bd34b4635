extension Double: PostgresArrayElement, PostgresDecodable {
    /// `double precision`
    public static var postgresType: PostgresType { .float8 }
    /// `double precision[]`
    public static var postgresArrayType: PostgresType { .float8Array }

    /// Appends eight bytes.
    public func encode(into bytes: inout PostgresBytes) { bytes.append(bitPattern) }

    /// Reads `double precision` and `real`.
    public init(postgres value: PostgresValue) throws {
        if value.type == .float8, let bits = value.integer(UInt64.self) {
            self.init(bitPattern: bits)
        } else if value.type == .float4, let bits = value.integer(UInt32.self) {
            self.init(Float(bitPattern: bits))
        } else {
            throw value.mismatch(Self.self)
        }
    }
}
