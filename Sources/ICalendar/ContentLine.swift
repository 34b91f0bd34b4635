import Foundation

/// Why a calendar, or one event of it, is not taken, and on which line.
public struct CalendarFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// From 1; of a folded line, the first.
    public let line: Int
    /// What is wrong, and the remedy.
    public let detail: String

    /// A fault of a line.
    public init(line: Int, detail: String) {
        self.line = line
        self.detail = detail
    }

    /// The line and what is wrong with it.
    public var description: String { "line \(line): \(detail)" }
}

/// One line of a calendar, unfolded (RFC 5545, section 3.1).
struct ContentLine {
    /// From 1; of a folded line, the first.
    var line: Int
    /// In upper case.
    var name: String
    /// By name in upper case; quotes are taken off.
    var parameters: [String: String]
    var value: Substring

    /// The longest line, in bytes, and the most lines.
    private static let longest = 1 << 20
    private static let most = 2_000_000

    /// The lines of a file: CRLF or LF, folds undone, empty ones left out. Throws ``CalendarFault`` for what is no
    /// UTF-8 and for lines that are too long or too many. O(bytes).
    static func lines(of data: Data) throws(CalendarFault) -> [ContentLine] {
        var lines: [ContentLine] = []
        var number = 0
        var begun = 1
        var bytes: [UInt8] = []
        func finish() throws(CalendarFault) {
            guard !bytes.isEmpty else { return }
            lines.append(try ContentLine(bytes, line: begun))
            bytes.removeAll(keepingCapacity: true)
        }
        let isMarked = data.starts(with: [0xEF, 0xBB, 0xBF])
        for part in data.dropFirst(isMarked ? 3 : 0).split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        {
            number += 1
            guard number <= most else {
                throw CalendarFault(line: number, detail: "a calendar of more than \(most) lines")
            }
            let text = part.last == UInt8(ascii: "\r") ? part.dropLast() : part
            if text.first == UInt8(ascii: " ") || text.first == UInt8(ascii: "\t") {
                bytes += text.dropFirst()
            } else {
                try finish()
                begun = number
                bytes += text
            }
            guard bytes.count <= longest else {
                throw CalendarFault(line: begun, detail: "is longer than \(longest) bytes")
            }
        }
        try finish()
        return lines
    }

    private init(_ bytes: [UInt8], line: Int) throws(CalendarFault) {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CalendarFault(line: line, detail: "is no UTF-8")
        }
        guard let colon = Self.end(of: text[...], at: ":") else {
            throw CalendarFault(line: line, detail: "is no property: it has no colon")
        }
        self.line = line
        value = text[text.index(after: colon)...]
        var parts: [Substring] = []
        var rest = text[..<colon]
        while let semicolon = Self.end(of: rest, at: ";") {
            parts.append(rest[..<semicolon])
            rest = rest[rest.index(after: semicolon)...]
        }
        parts.append(rest)
        name = parts[0].uppercased()
        parameters = [:]
        for part in parts.dropFirst() {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2 else { continue }
            parameters[sides[0].uppercased()] = sides[1].filter { $0 != "\"" }
        }
    }

    /// The first place of a character outside quotes.
    private static func end(of text: Substring, at character: Character) -> Substring.Index? {
        var isQuoted = false
        for index in text.indices {
            if text[index] == "\"" { isQuoted.toggle() }
            if !isQuoted, text[index] == character { return index }
        }
        return nil
    }

    /// The value as TEXT, its escapes undone (RFC 5545, section 3.3.11).
    var text: String {
        var text = ""
        var isEscaped = false
        for character in value {
            if isEscaped {
                text.append(character == "n" || character == "N" ? "\n" : character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else {
                text.append(character)
            }
        }
        return text
    }
}
