import BerthCore
import NIOCore

/// Why a text is not JSON that Berth takes, and where.
struct JSONFault: Error, Equatable {
    var reason: String
    /// Counted from 1, the column in bytes.
    var line: Int
    var column: Int
}

/// A JSON text as parsed.
struct JSONText {
    var value: JSONValue
    /// Whether an object in it repeats a name.
    var hasRepetition: Bool
}

/// Reads one JSON text (RFC 8259) from bytes, strictly. Recursion is bounded by the depth, which is
/// checked before it goes deeper, so that no input can exhaust the stack.
struct JSONParser {
    private let bytes: UnsafeRawBufferPointer
    private let deepest: Int
    private var index = 0
    private var depth = 0
    private var hasRepetition = false

    /// Parses all of a body. Throws ``JSONFault``.
    static func parse(
        _ body: ByteBuffer, deepest: Int = Limits.jsonDepth
    ) throws(JSONFault) -> JSONText {
        try body.withUnsafeReadableBytes { bytes throws(JSONFault) in
            var parser = JSONParser(bytes: bytes, deepest: deepest)
            let value = try parser.value()
            guard parser.nextToken() == nil else {
                throw parser.fault("there is more after its end")
            }
            return JSONText(value: value, hasRepetition: parser.hasRepetition)
        }
    }

    private init(bytes: UnsafeRawBufferPointer, deepest: Int) {
        self.bytes = bytes
        self.deepest = deepest
    }

    private mutating func value() throws(JSONFault) -> JSONValue {
        switch nextToken() {
        case UInt8(ascii: "{"):
            return try nested { parser throws(JSONFault) in try parser.object() }
        case UInt8(ascii: "["): return try nested { parser throws(JSONFault) in try parser.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "-"), (UInt8(ascii: "0")...UInt8(ascii: "9"))?:
            return .number(try number())
        case nil: throw fault("it ends where a value should stand")
        default: throw fault("there is no value")
        }
    }

    /// The next byte that is not white space, not yet consumed.
    private mutating func nextToken() -> UInt8? {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x09, 0x0A, 0x0D: index += 1
            case let byte: return byte
            }
        }
        return nil
    }

    private mutating func nested(
        _ body: (inout JSONParser) throws(JSONFault) -> JSONValue
    ) throws(JSONFault) -> JSONValue {
        guard depth < deepest else { throw fault("it nests deeper than \(deepest)") }
        depth += 1
        index += 1
        let value = try body(&self)
        depth -= 1
        return value
    }

    private mutating func array() throws(JSONFault) -> JSONValue {
        var elements: [JSONValue] = []
        if nextToken() == UInt8(ascii: "]") {
            index += 1
            return .array(elements)
        }
        while true {
            elements.append(try value())
            switch nextToken() {
            case UInt8(ascii: ","): index += 1
            case UInt8(ascii: "]"):
                index += 1
                return .array(elements)
            default: throw fault("a comma or ] is missing")
            }
        }
    }

    private mutating func object() throws(JSONFault) -> JSONValue {
        var object = JSONObject()
        var names = SeenNames()
        if nextToken() == UInt8(ascii: "}") {
            index += 1
            return .object(object)
        }
        while true {
            guard nextToken() == UInt8(ascii: "\"") else { throw fault("a name is missing") }
            let name = try string()
            guard nextToken() == UInt8(ascii: ":") else { throw fault("a colon is missing") }
            index += 1
            if !names.insert(name, into: object) { hasRepetition = true }
            object.members.append(JSONObject.Member(name: name, value: try value()))
            switch nextToken() {
            case UInt8(ascii: ","): index += 1
            case UInt8(ascii: "}"):
                index += 1
                return .object(object)
            default: throw fault("a comma or } is missing")
            }
        }
    }

    private mutating func literal(
        _ text: StaticString, _ value: JSONValue
    ) throws(JSONFault) -> JSONValue {
        let end = index + text.utf8CodeUnitCount
        let expected = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        guard end <= bytes.count, bytes[index..<end].elementsEqual(expected) else {
            throw fault("there is no value")
        }
        index = end
        return value
    }

    private mutating func number() throws(JSONFault) -> String {
        let start = index
        if current == UInt8(ascii: "-") { index += 1 }
        if current == UInt8(ascii: "0") {
            index += 1
        } else {
            try digits()
        }
        if current == UInt8(ascii: ".") {
            index += 1
            try digits()
        }
        if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
            index += 1
            if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { index += 1 }
            try digits()
        }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    private var current: UInt8? {
        index < bytes.count ? bytes[index] : nil
    }

    private mutating func digits() throws(JSONFault) {
        let start = index
        while let byte = current, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            index += 1
        }
        guard index > start else { throw fault("a digit is missing") }
    }

    private func fault(_ reason: String) -> JSONFault {
        let before = bytes[..<index]
        let line = before.count { $0 == 0x0A } + 1
        let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        return JSONFault(reason: reason, line: line, column: index - lineStart + 1)
    }
}

extension JSONParser {
    /// Most strings have no escape and are taken in one piece.
    private mutating func string() throws(JSONFault) -> String {
        index += 1
        let start = index
        while let byte = current {
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: bytes[start..<index], as: UTF8.self) else {
                    throw fault("a string is not UTF-8")
                }
                index += 1
                return text
            case UInt8(ascii: "\\"): return try escapedString(from: start)
            case 0x00..<0x20: throw fault("a control character stands in a string unescaped")
            default: index += 1
            }
        }
        throw fault("a string does not end")
    }

    private mutating func escapedString(from start: Int) throws(JSONFault) -> String {
        var text = Array(bytes[start..<index])
        while let byte = current {
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else {
                    throw fault("a string is not UTF-8")
                }
                index += 1
                return string
            case UInt8(ascii: "\\"):
                index += 1
                text.append(
                    contentsOf: UTF8.encode(try escape()) ?? UTF8.encodedReplacementCharacter)
            case 0x00..<0x20: throw fault("a control character stands in a string unescaped")
            default:
                text.append(byte)
                index += 1
            }
        }
        throw fault("a string does not end")
    }

    private mutating func escape() throws(JSONFault) -> Unicode.Scalar {
        guard let byte = current else { throw fault("a string does not end") }
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape()
        default:
            index -= 1
            throw fault("an escape is unknown")
        }
    }

    private mutating func unicodeEscape() throws(JSONFault) -> Unicode.Scalar {
        let first = try hexadecimal()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard UTF16.isLeadSurrogate(UInt16(first)), current == UInt8(ascii: "\\") else {
            throw fault("half a surrogate pair stands alone")
        }
        index += 1
        guard current == UInt8(ascii: "u") else {
            throw fault("half a surrogate pair stands alone")
        }
        index += 1
        let second = try hexadecimal()
        let code = 0x10000 + ((first & 0x3FF) << 10) + (second & 0x3FF)
        guard (0xDC00...0xDFFF).contains(second), let scalar = Unicode.Scalar(code) else {
            throw fault("half a surrogate pair stands alone")
        }
        return scalar
    }

    private mutating func hexadecimal() throws(JSONFault) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = current, let digit = Character(Unicode.Scalar(byte)).hexDigitValue
            else {
                throw fault("an escape needs four hexadecimal digits")
            }
            code = code << 4 | UInt32(digit)
            index += 1
        }
        return code
    }
}

/// Finds repeated names: by looking through the few that objects have, by a set where there are
/// many, so that a body of a hundred thousand names costs no quadratic time.
private struct SeenNames {
    private static let manyNames = 24
    private var names: Set<String> = []

    /// Whether the name is new among the members before it.
    mutating func insert(_ name: String, into object: JSONObject) -> Bool {
        if object.members.count < Self.manyNames { return object[name] == nil }
        if names.isEmpty { names = Set(object.members.map(\.name)) }
        return names.insert(name).inserted
    }
}
