import Foundation

/// Writes the lines of a calendar (RFC 5545, section 3.1): CRLF, folded at 75 octets, never inside a character.
///
/// Whatever a text holds, it stays inside its line: line breaks are escaped and control characters left out.
struct ContentWriter: Sendable {
    /// What was written.
    private(set) var bytes: [UInt8] = []
    private var lineStart = 0

    private static let longest = 75
    private static let cr = UInt8(ascii: "\r")
    private static let lf = UInt8(ascii: "\n")

    init(reservingCapacity capacity: Int = 0) {
        bytes.reserveCapacity(capacity)
    }

    /// Gives what was written, and forgets it.
    mutating func take() -> [UInt8] {
        let taken = bytes
        bytes = []
        bytes.reserveCapacity(taken.count)
        lineStart = 0
        return taken
    }

    mutating func begin(_ component: StaticString) {
        property("BEGIN", component)
    }

    mutating func end(_ component: StaticString) {
        property("END", component)
    }

    /// A property whose value the program knows to be one.
    mutating func property(_ name: StaticString, _ value: StaticString) {
        open(name)
        append(value)
        close()
    }

    /// A property whose value has no text of anybody's in it: a number, a rule, a reference.
    mutating func property(_ name: StaticString, plain value: String) {
        open(name)
        bytes.append(contentsOf: value.utf8)
        close()
    }

    /// A property of type TEXT (RFC 5545, section 3.3.11).
    mutating func property(_ name: StaticString, text: String) {
        open(name)
        append(text: text)
        close()
    }

    /// A property with several texts, between commas.
    mutating func property(_ name: StaticString, texts: [String]) {
        open(name)
        for (index, text) in texts.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            append(text: text)
        }
        close()
    }

    /// A property whose value is an instant, in UTC.
    mutating func property(_ name: StaticString, utc instant: Date) {
        open(name)
        append(utc: instant)
        close()
    }

    /// A property whose value is a period, in UTC.
    mutating func property(_ name: StaticString, period: Range<Date>) {
        open(name)
        append(utc: period.lowerBound)
        bytes.append(UInt8(ascii: "/"))
        append(utc: period.upperBound)
        close()
    }

    /// A property whose value is several instants: in UTC, or on the clock of a series.
    mutating func property(_ name: StaticString, _ instants: [Date], on clock: SeriesClock?) {
        append(name)
        if let clock {
            append(";TZID=")
            bytes.append(contentsOf: clock.zone.identifier.utf8)
        }
        bytes.append(UInt8(ascii: ":"))
        for (index, instant) in instants.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            if let clock {
                append(clock.reading(of: instant))
            } else {
                append(utc: instant)
            }
        }
        close()
    }

    /// A property whose value is local times of no zone.
    mutating func property(_ name: StaticString, local times: [CivilTime]) {
        open(name)
        for (index, time) in times.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            append(time)
        }
        close()
    }

    private mutating func open(_ name: StaticString) {
        append(name)
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    private mutating func append(utc instant: Date) {
        append(CivilTime(utc: instant))
        bytes.append(UInt8(ascii: "Z"))
    }

    private mutating func append(_ time: CivilTime) {
        let parts = time.parts
        append(digits: parts.year, 4)
        append(digits: parts.month, 2)
        append(digits: parts.day, 2)
        bytes.append(UInt8(ascii: "T"))
        append(digits: time.hour, 2)
        append(digits: time.minute, 2)
        append(digits: time.second, 2)
    }

    private mutating func append(digits value: Int, _ width: Int) {
        var divisor = width == 4 ? 1_000 : 10
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }

    /// RFC 5545, section 3.3.11: backslash, comma, semicolon and line breaks are escaped. C0 and C1 controls and
    /// what is no character are left out; U+2028, U+2029 and U+0085 break lines in some readers, so they are
    /// written as breaks.
    private mutating func append(text: String) {
        var text = text
        text.withUTF8 { utf8 in
            var start = 0
            var index = 0
            while index < utf8.count {
                guard let (length, written) = Self.special(utf8, at: index) else {
                    index += 1
                    continue
                }
                bytes.append(contentsOf: utf8[start..<index])
                append(written)
                index += length
                start = index
            }
            bytes.append(contentsOf: utf8[start...])
        }
    }

    /// How many bytes from here are not written as they are, and what is written for them; nil where none are.
    private static func special(
        _ utf8: UnsafeBufferPointer<UInt8>, at index: Int
    ) -> (length: Int, written: StaticString)? {
        func follows(_ distance: Int) -> UInt8 {
            index + distance < utf8.count ? utf8[index + distance] : 0
        }
        switch utf8[index] {
        case UInt8(ascii: ","): return (1, "\\,")
        case UInt8(ascii: ";"): return (1, "\\;")
        case UInt8(ascii: "\\"): return (1, "\\\\")
        case lf: return (1, "\\n")
        case cr: return (follows(1) == lf ? 2 : 1, "\\n")
        case 0x00..<0x09, 0x0B..<0x20, 0x7F: return (1, "")
        case 0xC2 where follows(1) < 0xA0: return (2, follows(1) == 0x85 ? "\\n" : "")
        case 0xE2 where follows(1) == 0x80 && (follows(2) == 0xA8 || follows(2) == 0xA9):
            return (3, "\\n")
        default: return nil
        }
    }

    /// Ends the line; folds it when it is too long.
    private mutating func close() {
        if bytes.count - lineStart > Self.longest {
            let line = Array(bytes[lineStart...])
            bytes.removeSubrange(lineStart...)
            fold(line)
        }
        bytes.append(Self.cr)
        bytes.append(Self.lf)
        lineStart = bytes.count
    }

    private mutating func fold(_ line: [UInt8]) {
        var start = 0
        var room = Self.longest
        while line.count - start > room {
            var end = start + room
            // Not before a continuation byte: that is inside a character.
            while line[end] & 0xC0 == 0x80 { end -= 1 }
            bytes.append(contentsOf: line[start..<end])
            bytes.append(Self.cr)
            bytes.append(Self.lf)
            bytes.append(UInt8(ascii: " "))
            start = end
            room = Self.longest - 1
        }
        bytes.append(contentsOf: line[start...])
    }
}
