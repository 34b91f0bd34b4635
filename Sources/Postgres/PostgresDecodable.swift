/// A value that can be read from a column.
public protocol PostgresDecodable: Sendable {
    /// What NULL is read as; `nil` if it cannot be.
    static var postgresNull: Self? { get }

    /// Reads a value in its type's binary format. Throws a ``PostgresError`` of kind `decoding`
    /// if the type is another, or the value has no counterpart in Swift; whoever asked for the
    /// column adds its name.
    init(postgres value: PostgresValue) throws
}

extension PostgresDecodable {
    /// `nil`: only optionals can be NULL.
    public static var postgresNull: Self? { nil }
}

/// A value that is not NULL, as the server sent it.
///
/// The bytes belong to the result: they are valid only for the call that gets this value.
public struct PostgresValue {
    /// The type of the column or of the element.
    public let type: PostgresType
    /// The value in the type's binary format.
    public let bytes: UnsafeRawBufferPointer

    /// The integer at `offset`, in network byte order; `nil` if the value ends before.
    public func integer<Integer: FixedWidthInteger>(
        _: Integer.Type = Integer.self, at offset: Int = 0
    ) -> Integer? {
        guard offset + MemoryLayout<Integer>.size <= bytes.count else { return nil }
        return Integer(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Integer.self))
    }

    /// The error to throw where a value of this type cannot be read as `expected`; `reason` must
    /// contain no data.
    public func mismatch(_ expected: Any.Type, _ reason: String? = nil) -> PostgresError {
        let suffix = reason.map { ": \($0)" } ?? ""
        return PostgresError(.decoding, "\(type) cannot be read as \(expected)\(suffix)")
    }
}

extension PostgresDecodable {
    /// What NULL is read as. Out of line: the type of an optional is looked up at each call of what mentions it.
    @inline(never)
    static func null() throws -> Self {
        if let null = postgresNull { return null }
        throw PostgresError(.decoding, "NULL cannot be read as \(Self.self)")
    }
}
