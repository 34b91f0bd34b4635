import ICalendar

/// How dates are written in a sheet: the value of `--date-format`, such as `dd/MM/yy HH:mm`.
///
/// A subset of Unicode's date patterns (UTS #35 part 4, section 8): `yyyy` and `yy` (20yy), `MM`
/// `M`, `dd` `d`, `HH` `H` (0 to 23), `hh` `h` (1 to 12, with `a` for AM or PM), `mm`, `ss`. A
/// doubled letter wants two digits, a single one takes one or two. Other letters must stand between
/// apostrophes, `''` is an apostrophe, and everything else stands for itself. Without hours it is
/// midnight.
public struct DatePattern: Hashable, Sendable {
    /// The pattern as given.
    public let text: String
    private let pieces: [Piece]

    private enum Field: Character {
        case year = "y"
        case month = "M"
        case day = "d"
        case hour24 = "H"
        case hour12 = "h"
        case minute = "m"
        case second = "s"
        case half = "a"
    }

    private enum Piece: Hashable {
        case field(Field, width: Int)
        case literal(String)
    }

    /// Reads a pattern.
    ///
    /// - Throws: ``DatePatternError`` for an unknown letter, and for a pattern that does not say
    ///   which day and time it means or that ISO dates would be mistaken for.
    public init(_ text: String) throws(DatePatternError) {
        self.text = text
        pieces = try Self.pieces(of: text)
        try checkFields()
        try checkOrder()
    }

    private static func pieces(of text: String) throws(DatePatternError) -> [Piece] {
        var pieces: [Piece] = []
        var rest = text[...]
        while let first = rest.first {
            if first == "'" {
                pieces.append(.literal(try quoted(&rest, of: text)))
            } else if first.isASCII, first.isLetter {
                let run = rest.prefix { $0 == first }
                guard let field = Field(rawValue: first), widths(of: field).contains(run.count)
                else { throw .unknown(String(run), pattern: text) }
                pieces.append(.field(field, width: run.count))
                rest = rest.dropFirst(run.count)
            } else {
                pieces.append(.literal(String(first)))
                rest = rest.dropFirst()
            }
        }
        return pieces
    }

    private static func quoted(
        _ rest: inout Substring, of text: String
    ) throws(DatePatternError) -> String {
        rest = rest.dropFirst()
        if rest.first == "'" {
            rest = rest.dropFirst()
            return "'"
        }
        var literal = ""
        while let character = rest.popFirst() {
            if character != "'" {
                literal.append(character)
            } else if rest.first == "'" {
                literal.append("'")
                rest = rest.dropFirst()
            } else {
                return literal
            }
        }
        throw .openQuote(pattern: text)
    }

    private static func widths(of field: Field) -> Set<Int> {
        switch field {
        case .year: [2, 4]
        case .month, .day, .hour24, .hour12: [1, 2]
        case .minute, .second: [2]
        case .half: [1]
        }
    }

    private func checkFields() throws(DatePatternError) {
        let fields = pieces.compactMap { piece -> Field? in
            if case .field(let field, _) = piece { field } else { nil }
        }
        let has = Set(fields)
        guard has.count == fields.count else { throw .incomplete("names a field twice", text) }
        guard has.isSuperset(of: [.year, .month, .day]) else {
            throw .incomplete("lacks the year, the month or the day", text)
        }
        guard !has.isSuperset(of: [.hour24, .hour12]) else {
            throw .incomplete("has both H and h", text)
        }
        guard has.contains(.hour12) == has.contains(.half) else {
            throw .incomplete("has only one of h and a, which belong together", text)
        }
        let hasHour = has.contains(.hour24) || has.contains(.hour12)
        guard hasHour || has.isDisjoint(with: [.minute, .second]) else {
            throw .incomplete("has minutes without hours", text)
        }
        guard has.contains(.minute) || !has.contains(.second) else {
            throw .incomplete("has seconds without minutes", text)
        }
    }

    private func checkOrder() throws(DatePatternError) {
        for (piece, next) in zip(pieces, pieces.dropFirst()) {
            guard case .field(let field, width: 1) = piece, case .field(let other, _) = next else {
                continue
            }
            guard field == .half || other == .half else {
                throw .incomplete("runs fields of one or two digits together", text)
            }
        }
        // ISO dates are read in any sheet: the same text must not mean two days in it.
        if pieces.starts(with: [.field(.year, width: 4), .literal("-")]),
            case .field(.day, _) = pieces[2]
        {
            throw .incomplete("puts the day where ISO dates have the month", text)
        }
    }

    /// Reads a text that is written so.
    ///
    /// - Throws: ``TimeTextError`` when it is written otherwise or names no date.
    public func read(_ written: String) throws(TimeTextError) -> CivilTime {
        var scanner = DigitScanner(written)
        var values: [Field: Int] = [:]
        for piece in pieces {
            switch piece {
            case .literal(let literal):
                guard scanner.skip(text: literal) else { throw .otherwise(written, text) }
            case .field(.half, _):
                if scanner.skip(text: "AM") {
                    values[.half] = 0
                } else if scanner.skip(text: "PM") {
                    values[.half] = 12
                } else {
                    throw .otherwise(written, text)
                }
            case .field(let field, let width):
                guard let value = scanner.number(atLeast: width, atMost: max(2, width)) else {
                    throw .otherwise(written, text)
                }
                values[field] = field == .year && width == 2 ? 2000 + value : value
            }
        }
        guard scanner.isAtEnd else { throw .otherwise(written, text) }
        return try civil(values, written)
    }

    private func civil(
        _ values: [Field: Int], _ written: String
    ) throws(TimeTextError) -> CivilTime {
        var hour = values[.hour24] ?? 0
        if let hour12 = values[.hour12] {
            guard (1...12).contains(hour12) else { throw .otherwise(written, text) }
            hour = hour12 % 12 + values[.half, default: 0]
        }
        do {
            return try CivilTime(
                year: values[.year, default: 0], month: values[.month, default: 0],
                day: values[.day, default: 0], hour: hour,
                minute: values[.minute, default: 0], second: values[.second, default: 0])
        } catch {
            throw .noSuchTime(written, error)
        }
    }
}

/// Why a text is no ``DatePattern``.
public enum DatePatternError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Letters that stand for nothing, or too many of them.
    case unknown(String, pattern: String)
    /// An apostrophe that is not closed.
    case openQuote(pattern: String)
    /// What the pattern as a whole lacks or has too much.
    case incomplete(String, String)

    /// What is wrong and what may be written.
    public var description: String {
        switch self {
        case .unknown(let letters, let pattern):
            "date format “\(pattern)”: “\(letters)” is not known; use yyyy yy MM M dd d HH H hh h "
                + "mm ss a, and put other letters between apostrophes"
        case .openQuote(let pattern):
            "date format “\(pattern)”: an apostrophe is not closed; write '' for an apostrophe"
        case .incomplete(let fault, let pattern):
            "date format “\(pattern)” \(fault); write for example dd/MM/yyyy HH:mm"
        }
    }
}
