/// One line of a calendar, unfolded (RFC 5545, section 3.1).
struct ContentLine {
    /// The properties that are read; all others are passed over.
    enum Name: String, CaseIterable {
        case begin = "BEGIN"
        case end = "END"
        case categories = "CATEGORIES"
        case description = "DESCRIPTION"
        case duration = "DURATION"
        case dtend = "DTEND"
        case dtstart = "DTSTART"
        case exdate = "EXDATE"
        case exrule = "EXRULE"
        case location = "LOCATION"
        case rdate = "RDATE"
        case recurrenceID = "RECURRENCE-ID"
        case rrule = "RRULE"
        case sequence = "SEQUENCE"
        case status = "STATUS"
        case summary = "SUMMARY"
        case transp = "TRANSP"
        case tzid = "TZID"
        case tzoffsetfrom = "TZOFFSETFROM"
        case tzoffsetto = "TZOFFSETTO"
        case uid = "UID"
        case licLocation = "X-LIC-LOCATION"
        case calendarZone = "X-WR-TIMEZONE"
    }

    /// From 1; of a folded line, the first.
    let line: Int
    /// What it says something about.
    let name: Name
    private let content: String
    /// Where in `content` the parameters begin, and the value: UTF-8 offsets.
    private let parametersAt: Int
    private let valueAt: Int

    /// A line of UTF-8; nil for a property that is not read.
    init?(_ bytes: UnsafeBufferPointer<UInt8>, line: Int, ends: Ends) {
        guard let name = Name(bytes[..<ends.name]) else { return nil }
        self.line = line
        self.name = name
        content = String(decoding: bytes, as: UTF8.self)
        parametersAt = ends.name
        valueAt = ends.value
    }

    /// Where the name ends and the value begins.
    struct Ends {
        fileprivate var name: Int
        fileprivate var value: Int

        /// Nil where there is no colon outside quotes.
        init?(in bytes: UnsafeBufferPointer<UInt8>) {
            var nameEnd: Int?
            var isQuoted = false
            for index in bytes.indices {
                switch bytes[index] {
                case UInt8(ascii: "\""): isQuoted.toggle()
                case UInt8(ascii: ";") where nameEnd == nil && !isQuoted: nameEnd = index
                case UInt8(ascii: ":") where !isQuoted:
                    name = nameEnd ?? index
                    value = index + 1
                    return
                default: break
                }
            }
            return nil
        }
    }

    /// As written.
    var value: Substring { content.suffix(fromByte: valueAt) }

    /// The value without white space around it, in capitals: a name, such as that of a component.
    var token: String { value.trimmingSpaces.uppercased() }

    /// The value of a parameter, quotes taken off; nil where it is not there.
    func parameter(_ wanted: String) -> String? {
        let end = content.utf8.index(content.startIndex, offsetBy: valueAt - 1)
        var rest = content.suffix(fromByte: parametersAt)[..<end].utf8
        while let semicolon = rest.first, semicolon == UInt8(ascii: ";") {
            rest = rest.dropFirst()
            var isQuoted = false
            let part = rest.prefix { byte in
                if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
                return isQuoted || byte != UInt8(ascii: ";")
            }
            rest = rest[part.endIndex...]
            let name = part.prefix { $0 != UInt8(ascii: "=") }
            guard name.endIndex < part.endIndex, Substring(name).uppercased() == wanted else {
                continue
            }
            let value = part[name.endIndex...].dropFirst().filter { $0 != UInt8(ascii: "\"") }
            return String(decoding: value, as: UTF8.self)
        }
        return nil
    }

    /// The value as TEXT, its escapes undone (RFC 5545, section 3.3.11).
    var text: String { texts(separatedBy: nil)[0] }

    /// The value as a list of TEXT, white space around each taken off, empty ones left out.
    var list: [String] {
        texts(separatedBy: UInt8(ascii: ",")).map { String($0[...].trimmingSpaces) }
            .filter { !$0.isEmpty }
    }

    private func texts(separatedBy separator: UInt8?) -> [String] {
        let bytes = value.utf8
        guard bytes.contains(where: { $0 == UInt8(ascii: "\\") || $0 == separator }) else {
            return [String(value)]
        }
        var texts: [String] = []
        var text: [UInt8] = []
        var isEscaped = false
        for byte in bytes {
            if isEscaped {
                let isLineEnd = byte == UInt8(ascii: "n") || byte == UInt8(ascii: "N")
                text.append(isLineEnd ? UInt8(ascii: "\n") : byte)
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == separator {
                texts.append(String(decoding: text, as: UTF8.self))
                text = []
            } else {
                text.append(byte)
            }
        }
        texts.append(String(decoding: text, as: UTF8.self))
        return texts
    }
}

extension ContentLine.Name {
    private static let known = Dictionary(
        uniqueKeysWithValues: allCases.compactMap { name in
            key(Array(name.rawValue.utf8)[...]).map { ($0, name) }
        })

    /// The name in letters of either case; nil for one that is not read.
    fileprivate init?(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) {
        guard let key = Self.key(bytes), let name = Self.known[key] else { return nil }
        self = name
    }

    /// In capitals, as one number: most lines are passed over, and a text for each name would cost more than all
    /// else.
    private static func key(_ bytes: some Collection<UInt8>) -> UInt128? {
        guard bytes.count <= 16 else { return nil }
        return bytes.reduce(0) { key, byte in
            let isSmall = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            return key << 8 | UInt128(isSmall ? byte & 0xDF : byte)
        }
    }
}

extension Substring {
    /// Without spaces and tabs at either end.
    var trimmingSpaces: Substring {
        var bytes = utf8
        while let first = bytes.first, first == UInt8(ascii: " ") || first == UInt8(ascii: "\t") {
            bytes.removeFirst()
        }
        while let last = bytes.last, last == UInt8(ascii: " ") || last == UInt8(ascii: "\t") {
            bytes.removeLast()
        }
        return Substring(bytes)
    }
}

extension String {
    fileprivate func prefix(bytes count: Int) -> Substring {
        self[..<utf8.index(startIndex, offsetBy: count)]
    }

    fileprivate func suffix(fromByte offset: Int) -> Substring {
        self[utf8.index(startIndex, offsetBy: offset)...]
    }
}
