import Foundation

extension Data: PostgresArrayElement, PostgresDecodable {
    /// `bytea`
    public static var postgresType: PostgresType { .bytea }
    /// `bytea[]`
    public static var postgresArrayType: PostgresType { .byteaArray }

    /// Appends the bytes as they are.
    public func encode(into bytes: inout PostgresBytes) { bytes.append(contentsOf: self) }

    /// Reads `bytea`; costs one copy.
    public init(postgres value: PostgresValue) throws {
        guard value.type == .bytea else { throw value.mismatch(Self.self) }
        self.init(value.bytes)
    }
}
