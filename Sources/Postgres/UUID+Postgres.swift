import Foundation

extension UUID: PostgresArrayElement, PostgresDecodable {
    /// `uuid`
    public static var postgresType: PostgresType { .uuid }
    /// `uuid[]`
    public static var postgresArrayType: PostgresType { .uuidArray }

    /// Appends sixteen bytes.
    public func encode(into bytes: inout PostgresBytes) {
        withUnsafeBytes(of: uuid) { bytes.append(contentsOf: $0) }
    }

    /// Reads `uuid`.
    public init(postgres value: PostgresValue) throws {
        guard value.type == .uuid, value.bytes.count == MemoryLayout<uuid_t>.size else {
            throw value.mismatch(Self.self)
        }
        self.init(uuid: value.bytes.loadUnaligned(as: uuid_t.self))
    }
}
