/// A value that can be bound to a parameter.
public protocol PostgresEncodable: Sendable {
    /// The type that the parameter is declared with. A value of type ``PostgresType/inferred``
    /// is sent as text, for the server to read as whatever belongs there; all others as binary.
    static var postgresType: PostgresType { get }

    /// Whether the value is sent as NULL, in which case `encode(into:)` is not called.
    var isPostgresNull: Bool { get }

    /// Appends the value in the type's binary format, or as text if the type is inferred.
    /// Throws a ``PostgresError`` of kind `encoding` if the server has no such value.
    func encode(into bytes: inout PostgresBytes) throws
}

extension PostgresEncodable {
    /// `false`: only optionals are ever NULL.
    public var isPostgresNull: Bool { false }
}

/// A value that can be an element of an array parameter.
public protocol PostgresArrayElement: PostgresEncodable {
    /// The type of the array.
    static var postgresArrayType: PostgresType { get }

    /// The type of the elements, never inferred.
    static var postgresElementType: PostgresType { get }
}

extension PostgresArrayElement {
    /// The type that the value has as a parameter.
    public static var postgresElementType: PostgresType { postgresType }
}

/// The bytes of a parameter, as they are put together.
public struct PostgresBytes: Sendable {
    var storage: [UInt8] = []

    init() {}

    /// Appends an integer in network byte order.
    public mutating func append<Integer: FixedWidthInteger>(_ integer: Integer) {
        withUnsafeBytes(of: integer.bigEndian) { storage.append(contentsOf: $0) }
    }

    /// Appends bytes as they are.
    public mutating func append(contentsOf bytes: some Sequence<UInt8>) {
        storage.append(contentsOf: bytes)
    }

    /// Appends the length of what `body` appends (four bytes), and then that: how PostgreSQL
    /// nests the elements of an array or the bounds of a range.
    public mutating func appendSized(_ body: (inout PostgresBytes) throws -> Void) rethrows {
        let start = storage.count
        append(Int32(0))
        try body(&self)
        let length = Int32(storage.count - start - MemoryLayout<Int32>.size)
        withUnsafeBytes(of: length.bigEndian) { bytes in
            for (offset, byte) in bytes.enumerated() { storage[start + offset] = byte }
        }
    }
}
