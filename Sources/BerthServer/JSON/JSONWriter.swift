import BerthCore
import Foundation
import NIOCore

/// Writes JSON as UTF-8 straight into a buffer, in the order of the calls. It stands on the path of
/// every answer; `JSONEncoder` would build a tree and box every value first.
struct JSONWriter {
    private(set) var buffer: ByteBuffer
    private var needsComma = false

    /// -9223372036854775808
    private static let longestNumberBytes = 20

    /// A writer into a new buffer of about that many bytes.
    init(capacity: Int = 1024) {
        buffer = ByteBufferAllocator().buffer(capacity: capacity)
    }

    /// Writes an object whose members the body writes.
    mutating func object(_ body: (inout JSONWriter) -> Void) {
        open(UInt8(ascii: "{"))
        body(&self)
        close(UInt8(ascii: "}"))
    }

    /// Writes an array with an element for each item.
    mutating func array<Items: Sequence>(
        _ items: Items, _ element: (inout JSONWriter, Items.Element) -> Void
    ) {
        open(UInt8(ascii: "["))
        for item in items { element(&self, item) }
        close(UInt8(ascii: "]"))
    }

    /// Writes a member's name; the next value written is its value.
    mutating func name(_ name: StaticString) {
        let count = name.utf8CodeUnitCount
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: count + 4) { bytes in
            var index = 0
            if needsComma {
                bytes[0] = UInt8(ascii: ",")
                index = 1
            }
            bytes[index] = UInt8(ascii: "\"")
            UnsafeMutableRawBufferPointer(rebasing: bytes[(index + 1)...])
                .copyMemory(from: UnsafeRawBufferPointer(start: name.utf8Start, count: count))
            bytes[index + 1 + count] = UInt8(ascii: "\"")
            bytes[index + 2 + count] = UInt8(ascii: ":")
            return index + 3 + count
        }
        needsComma = false
    }

    /// Writes a member's name that is not known beforehand.
    mutating func name(_ name: String) {
        value(name)
        buffer.writeInteger(UInt8(ascii: ":"))
        needsComma = false
    }

    mutating func value(_ text: String) {
        separate()
        buffer.writeInteger(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { bytes in
            if bytes.contains(where: Self.needsEscape) {
                writeEscaped(bytes)
            } else {
                buffer.writeBytes(bytes)
            }
        }
        buffer.writeInteger(UInt8(ascii: "\""))
    }

    mutating func value(_ number: some BinaryInteger) {
        separate()
        if let number = Int64(exactly: number) {
            buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.longestNumberBytes) {
                $0.writeDigits(of: number, at: 0)
            }
        } else {
            buffer.writeString(String(number))
        }
    }

    mutating func value(_ truth: Bool) {
        separate()
        buffer.writeStaticString(truth ? "true" : "false")
    }

    mutating func value(_ instant: Date) {
        value(RFC3339.string(instant))
    }

    mutating func value(_ texts: [String]) {
        array(texts) { $0.value($1) }
    }

    /// Writes numbers as an array. Cost: room is made once for all of them.
    mutating func value(_ numbers: [Int]) {
        separate()
        needsComma = true
        buffer.writeInteger(UInt8(ascii: "["))
        buffer.writeWithUnsafeMutableBytes(
            minimumWritableBytes: numbers.count * (Self.longestNumberBytes + 1)
        ) { bytes in
            var end = 0
            for number in numbers {
                if end > 0 {
                    bytes[end] = UInt8(ascii: ",")
                    end += 1
                }
                end += bytes.writeDigits(of: Int64(number), at: end)
            }
            return end
        }
        buffer.writeInteger(UInt8(ascii: "]"))
    }

    /// Writes pairs as an object, by key, so that equal labels are equal bytes.
    mutating func value(_ labels: [String: String]) {
        object { json in
            for (key, value) in labels.sorted(by: { $0.key < $1.key }) {
                json.name(key)
                json.value(value)
            }
        }
    }

    mutating func null() {
        separate()
        buffer.writeStaticString("null")
    }

    /// Writes a value as it was parsed.
    mutating func value(_ value: JSONValue) {
        switch value {
        case .null: null()
        case .bool(let truth): self.value(truth)
        case .number(let digits):
            separate()
            buffer.writeString(digits)
        case .string(let text): self.value(text)
        case .array(let elements): array(elements) { $0.value($1) }
        case .object(let object):
            self.object { json in
                for member in object.members {
                    json.name(member.name)
                    json.value(member.value)
                }
            }
        }
    }

    private mutating func open(_ bracket: UInt8) {
        separate()
        buffer.writeInteger(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        buffer.writeInteger(bracket)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { buffer.writeInteger(UInt8(ascii: ",")) }
        needsComma = true
    }

    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private mutating func writeEscaped(_ bytes: UnsafeBufferPointer<UInt8>) {
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\""): buffer.writeStaticString("\\\"")
            case UInt8(ascii: "\\"): buffer.writeStaticString("\\\\")
            case UInt8(ascii: "\n"): buffer.writeStaticString("\\n")
            case UInt8(ascii: "\r"): buffer.writeStaticString("\\r")
            case UInt8(ascii: "\t"): buffer.writeStaticString("\\t")
            case 0..<0x20:
                let hexadecimal = String(byte, radix: 16)
                buffer.writeString(byte < 0x10 ? "\\u000\(hexadecimal)" : "\\u00\(hexadecimal)")
            default: buffer.writeInteger(byte)
            }
        }
    }
}

extension JSONWriter {
    mutating func member(_ name: StaticString, _ text: String) {
        self.name(name)
        value(text)
    }

    mutating func member(_ name: StaticString, _ text: String?) {
        self.name(name)
        if let text { value(text) } else { null() }
    }

    mutating func member(_ name: StaticString, _ number: some BinaryInteger) {
        self.name(name)
        value(number)
    }

    mutating func member(_ name: StaticString, _ number: Int?) {
        self.name(name)
        if let number { value(number) } else { null() }
    }

    mutating func member(_ name: StaticString, _ truth: Bool) {
        self.name(name)
        value(truth)
    }

    mutating func member(_ name: StaticString, _ instant: Date) {
        self.name(name)
        value(instant)
    }

    mutating func member(_ name: StaticString, _ instant: Date?) {
        self.name(name)
        if let instant { value(instant) } else { null() }
    }

    mutating func member(_ name: StaticString, _ texts: [String]) {
        self.name(name)
        value(texts)
    }

    mutating func member(_ name: StaticString, _ labels: [String: String]) {
        self.name(name)
        value(labels)
    }
}

extension UnsafeMutableRawBufferPointer {
    /// Writes a number in decimal at an offset; how many bytes it took. Cost: no string is made, as `String(number)`
    /// would.
    fileprivate func writeDigits(of number: Int64, at offset: Int) -> Int {
        var rest = number.magnitude
        var count = number < 0 ? 2 : 1
        var limit = rest
        while limit >= 10 {
            limit /= 10
            count += 1
        }
        for place in stride(from: count - 1, through: number < 0 ? 1 : 0, by: -1) {
            self[offset + place] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
        if number < 0 { self[offset] = UInt8(ascii: "-") }
        return count
    }
}
