extension String: PostgresArrayElement, PostgresDecodable {
    /// Inferred: a string becomes whatever belongs where it stands, be it text, an enum or a
    /// number. Where nothing tells the server (`jsonb_build_object('key', $1)`), add a cast.
    public static var postgresType: PostgresType { .inferred }
    /// `text[]`; an array of an enum needs a cast.
    public static var postgresArrayType: PostgresType { .textArray }
    /// `text`
    public static var postgresElementType: PostgresType { .text }

    /// Appends UTF-8. A NUL character cannot be stored, and is refused rather than cut off.
    public func encode(into bytes: inout PostgresBytes) throws {
        guard !utf8.contains(0) else {
            throw PostgresError(.encoding, "PostgreSQL's text cannot hold a NUL character")
        }
        bytes.append(contentsOf: utf8)
    }

    /// Reads `text`, `varchar`, `char`, `name`, `json`, and the labels of enums and other types of
    /// the installation whose binary format is text.
    public init(postgres value: PostgresValue) throws {
        switch value.type {
        case .text, .varchar, .bpchar, .name, .unknown, .json: break
        case let type where type.isUserDefined && !value.bytes.contains(0): break
        default: throw value.mismatch(Self.self)
        }
        // `String(validating:as:)` is several times slower. What had to be repaired is not what was sent.
        self.init(decoding: value.bytes, as: UTF8.self)
        let isAsSent = withUTF8 { $0.count == value.bytes.count && $0.elementsEqual(value.bytes) }
        guard isAsSent else { throw value.mismatch(Self.self, "it is no UTF-8") }
    }
}
