extension Array: PostgresEncodable where Element: PostgresArrayElement {
    /// The array type of the elements.
    public static var postgresType: PostgresType { Element.postgresArrayType }

    /// Appends a one-dimensional array, counted from 1. Elements may be NULL.
    public func encode(into bytes: inout PostgresBytes) throws {
        bytes.append(Int32(isEmpty ? 0 : 1))
        bytes.append(Int32(contains { $0.isPostgresNull } ? 1 : 0))
        bytes.append(Element.postgresElementType.oid)
        guard !isEmpty else { return }
        bytes.append(Int32(count))
        bytes.append(Int32(1))
        for element in self {
            if element.isPostgresNull {
                bytes.append(Int32(-1))
            } else {
                try bytes.appendSized { try element.encode(into: &$0) }
            }
        }
    }
}

extension Array: PostgresDecodable where Element: PostgresDecodable {
    /// Reads an array of at most one dimension.
    public init(postgres value: PostgresValue) throws {
        guard let dimensions = value.integer(Int32.self),
            let elementType = value.integer(UInt32.self, at: 8), (0...1).contains(dimensions)
        else { throw value.mismatch(Self.self) }
        self = []
        guard dimensions == 1, let count = value.integer(Int32.self, at: 12), count >= 0 else {
            return
        }
        reserveCapacity(Int(count))
        var offset = 20
        for _ in 0..<count {
            guard let length = value.integer(Int32.self, at: offset).map(Int.init),
                offset + 4 + length <= value.bytes.count
            else { throw value.mismatch(Self.self, "the value is cut short") }
            offset += 4
            if length < 0 {
                append(try Element.null())
            } else {
                let bytes = UnsafeRawBufferPointer(rebasing: value.bytes[offset..<offset + length])
                let type = PostgresType(oid: elementType)
                append(try Element(postgres: PostgresValue(type: type, bytes: bytes)))
                offset += length
            }
        }
    }
}
