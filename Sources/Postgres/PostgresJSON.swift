import Foundation

/// A value stored as `jsonb`, or read from `jsonb` or `json`.
///
/// Dates are written as ISO 8601 in UTC with milliseconds, and read with or without fractions.
public struct PostgresJSON<Value: Sendable>: Sendable {
    /// What the JSON stands for.
    public var value: Value

    /// Wraps a value to be stored as JSON.
    public init(_ value: Value) {
        self.value = value
    }
}

extension PostgresJSON: Equatable where Value: Equatable {}

extension PostgresJSON: PostgresEncodable where Value: Encodable {
    /// `jsonb`
    public static var postgresType: PostgresType { .jsonb }

    /// Appends the format's version and the JSON.
    public func encode(into bytes: inout PostgresBytes) throws {
        bytes.append(UInt8(1))
        do {
            bytes.append(contentsOf: try PostgresJSONCoding.encoder().encode(value))
        } catch {
            throw PostgresError(.encoding, "\(Value.self) cannot be written as JSON")
        }
    }
}

extension PostgresJSON: PostgresArrayElement where Value: Encodable {
    /// `jsonb[]`
    public static var postgresArrayType: PostgresType { .jsonbArray }
}

extension PostgresJSON: PostgresDecodable where Value: Decodable {
    /// Reads `jsonb` or `json`.
    public init(postgres value: PostgresValue) throws {
        let json: UnsafeRawBufferPointer.SubSequence
        switch value.type {
        case .json: json = value.bytes[...]
        case .jsonb where value.bytes.first == 1: json = value.bytes.dropFirst()
        default: throw value.mismatch(Self.self)
        }
        do {
            self.value = try PostgresJSONCoding.decoder().decode(Value.self, from: Data(json))
        } catch let error as DecodingError {
            throw value.mismatch(Self.self, error.pathWithoutData)
        }
    }
}

private enum PostgresJSONCoding {
    static func encoder() -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(date.formatted(withFractions))
        }
        return encoder
    }

    static func decoder() -> JSONDecoder {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let text = try decoder.singleValueContainer().decode(String.self)
            if let date = try? withFractions.parse(text) { return date }
            return try Date.ISO8601FormatStyle().parse(text)
        }
        return decoder
    }

    private static let withFractions = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
}

extension DecodingError {
    /// Where the JSON did not fit; its own description would show what stood there.
    fileprivate var pathWithoutData: String {
        let context: Context? =
            switch self {
            case .typeMismatch(_, let context), .valueNotFound(_, let context),
                .keyNotFound(_, let context), .dataCorrupted(let context):
                context
            @unknown default: nil
            }
        let path = context?.codingPath.map(\.stringValue).joined(separator: ".") ?? ""
        return path.isEmpty ? "the JSON does not fit" : "the JSON does not fit at \(path)"
    }
}
