extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
    /// The type of the wrapped value: a NULL is declared like any other value.
    public static var postgresType: PostgresType { Wrapped.postgresType }

    /// Whether there is no value, or one that is NULL itself.
    public var isPostgresNull: Bool { self?.isPostgresNull ?? true }

    /// Appends the wrapped value.
    public func encode(into bytes: inout PostgresBytes) throws {
        try self?.encode(into: &bytes)
    }
}

extension Optional: PostgresArrayElement where Wrapped: PostgresArrayElement {
    /// The array type of the wrapped value.
    public static var postgresArrayType: PostgresType { Wrapped.postgresArrayType }

    /// The element type of the wrapped value.
    public static var postgresElementType: PostgresType { Wrapped.postgresElementType }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    /// NULL is `nil`.
    public static var postgresNull: Self? { .some(.none) }

    /// Reads the wrapped value.
    public init(postgres value: PostgresValue) throws {
        self = try Wrapped(postgres: value)
    }
}
