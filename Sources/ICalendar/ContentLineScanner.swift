import Foundation

/// Gives the lines of a file one after the other: CRLF or LF, folds undone, empty ones left out.
///
/// O(bytes), and nothing is held but the line given.
struct ContentLineScanner {
    /// What stands next in the file.
    enum Item {
        case line(ContentLine)
        /// A property that is not read, on that line.
        case other(Int)
        /// A line that is no property; what it stands in can be refused by itself.
        case malformed(CalendarFault)
        /// A line that is no text: outside of an event it refuses the file.
        case illegible(CalendarFault)
    }

    /// The longest line, in bytes, and the most lines.
    private static let longest = 1 << 20
    private static let most = 2_000_000

    private let bytes: UnsafeRawBufferPointer
    private var at = 0
    private var number = 0

    /// Throws ``CalendarFault`` for UTF-16, told by its byte order mark or its NUL bytes.
    init(_ bytes: UnsafeRawBufferPointer) throws(CalendarFault) {
        self.bytes = bytes
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF])
            || bytes.prefix(2).contains(0)
        {
            throw CalendarFault(line: 1, detail: "is UTF-16: save the calendar as UTF-8")
        }
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
    }

    /// The next line; nil after the last. Throws ``CalendarFault`` for lines that are too long or too many,
    /// before they are copied.
    mutating func next() throws(CalendarFault) -> Item? {
        while at < bytes.count {
            let first = try physicalLine()
            let begun = number
            guard isFolded else {
                if first.isEmpty { continue }
                return item(UnsafeRawBufferPointer(rebasing: bytes[first]), line: begun)
            }
            var unfolded = Array(bytes[first])
            while isFolded {
                unfolded += bytes[try physicalLine().dropFirst()]
                guard unfolded.count <= Self.longest else { throw Self.tooLong(begun) }
            }
            if unfolded.isEmpty { continue }
            return unfolded.withUnsafeBytes { item($0, line: begun) }
        }
        return nil
    }

    /// Whether what comes next continues the line before (RFC 5545, section 3.1).
    private var isFolded: Bool {
        at < bytes.count && (bytes[at] == UInt8(ascii: " ") || bytes[at] == UInt8(ascii: "\t"))
    }

    private mutating func physicalLine() throws(CalendarFault) -> Range<Int> {
        number += 1
        guard number <= Self.most else {
            throw CalendarFault(line: number, detail: "a calendar of more than \(Self.most) lines")
        }
        guard let base = bytes.baseAddress else { return 0..<0 }
        let start = at
        let found = memchr(base + start, 0x0A, bytes.count - start)
        var end = found.map { UnsafeRawPointer($0) - base } ?? bytes.count
        at = end + 1
        while end > start, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        guard end - start <= Self.longest else { throw Self.tooLong(number) }
        return start..<end
    }

    private func item(_ bytes: UnsafeRawBufferPointer, line: Int) -> Item {
        let text = bytes.bindMemory(to: UInt8.self)
        guard Self.isASCII(bytes) || String(validating: text, as: UTF8.self) != nil else {
            return .illegible(
                CalendarFault(line: line, detail: "is no UTF-8: save the calendar as UTF-8"))
        }
        if let base = bytes.baseAddress, memchr(base, 0, bytes.count) != nil {
            return .illegible(CalendarFault(line: line, detail: "has a NUL byte"))
        }
        guard let ends = ContentLine.Ends(in: text) else {
            return .malformed(
                CalendarFault(line: line, detail: "is no property: it has no colon"))
        }
        return ContentLine(text, line: line, ends: ends).map(Item.line) ?? .other(line)
    }

    private static func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var high: UInt64 = 0
        var at = 0
        while at + 8 <= bytes.count {
            high |= bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)
            at += 8
        }
        while at < bytes.count {
            high |= UInt64(bytes[at])
            at += 1
        }
        return high & 0x8080_8080_8080_8080 == 0
    }

    private static func tooLong(_ line: Int) -> CalendarFault {
        CalendarFault(line: line, detail: "is longer than \(longest) bytes")
    }
}
