import BerthCore
import Foundation

/// What a field's value must look like: reads it, or records what is wrong with it.
struct FieldForm<Value> {
    let read: (JSONValue, _ pointer: String, _ faults: inout [FieldFault]) -> Value?
}

extension FieldForm {
    /// A form over texts. The body gives the value, or throws what is wrong with the text.
    static func text(
        _ expected: String, _ body: @escaping (String) throws(FormFault) -> Value
    ) -> FieldForm {
        FieldForm { sent, pointer, faults in
            guard case .string(let text) = sent else {
                faults.append(FieldFault(pointer, "must be \(expected), and is \(sent.kind)"))
                return nil
            }
            do throws(FormFault) {
                return try body(text)
            } catch {
                faults.append(FieldFault(pointer, error.detail))
                return nil
            }
        }
    }

    /// An array whose elements have that form.
    static func array<Element>(
        of form: FieldForm<Element>, atMost most: Int, atLeast least: Int = 0
    ) -> FieldForm where Value == [Element] {
        FieldForm { sent, pointer, faults in
            guard case .array(let elements) = sent else {
                faults.append(FieldFault(pointer, "must be an array, and is \(sent.kind)"))
                return nil
            }
            guard (least...most).contains(elements.count) else {
                let bounds = least == 0 ? "at most \(most)" : "\(least) to \(most)"
                faults.append(
                    FieldFault(pointer, "has \(elements.count) elements: \(bounds) may stand"))
                return nil
            }
            let values = elements.indices.map { index in
                form.read(elements[index], "\(pointer)/\(index)", &faults)
            }
            let read = values.compactMap { $0 }
            return read.count == elements.count ? read : nil
        }
    }
}

/// What is wrong with a text.
struct FormFault: Error {
    var detail: String

    init(_ detail: String) {
        self.detail = detail
    }
}

extension FieldForm where Value == String {
    /// One line of text that says something: no control characters, not blank.
    static func line(_ most: Int = Limits.titleCharacters) -> FieldForm {
        text("a text") { text throws(FormFault) in
            try TextRules.checkLine(text, atMost: most)
            return text
        }
    }

    /// Any text of that length; lines may break.
    static func lines(_ most: Int = Limits.notesCharacters) -> FieldForm {
        text("a text") { text throws(FormFault) in
            try TextRules.checkLength(text, atMost: most)
            if text.unicodeScalars.contains(where: TextRules.isForbiddenInLines) {
                throw FormFault("has a control character")
            }
            return text
        }
    }

    /// The value of a label.
    static var labelValue: FieldForm {
        text("a text") { text throws(FormFault) in
            try TextRules.checkLength(text, atMost: Limits.labelValueCharacters)
            if text.unicodeScalars.contains(where: TextRules.isControl) {
                throw FormFault("has a control character")
            }
            return text
        }
    }

    /// An environment's key.
    static var slug: FieldForm {
        text("a key") { text throws(FormFault) in
            guard TextRules.isSlug(text) else {
                throw FormFault(
                    "is not a key: 1 to 64 of a-z, 0-9, dot, underscore and hyphen, "
                        + "a letter or digit at both ends")
            }
            return text
        }
    }

    /// A team's name: it stands in a path, so it has no slash, and no space at either end.
    static var teamName: FieldForm {
        text("a team's name") { text throws(FormFault) in
            try TextRules.checkLine(text, atMost: 100)
            guard !text.contains("/"), !text.hasPrefix(" "), !text.hasSuffix(" ") else {
                throw FormFault("has a slash, or a space at an end: a team's name may not")
            }
            return text
        }
    }

    /// The name of an IANA time zone.
    static var timeZone: FieldForm {
        text("a time zone's name") { text throws(FormFault) in
            guard ZoneName.contains(text) else {
                throw FormFault(
                    "is not the name of an IANA time zone, such as Europe/Berlin or UTC")
            }
            return text
        }
    }

    /// A CSS colour of six digits.
    static var colour: FieldForm {
        text("a colour") { text throws(FormFault) in
            let digits = text.utf8.dropFirst()
            guard text.hasPrefix("#"), digits.count == 6,
                digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit })
            else { throw FormFault("is not a colour: write it as #1f77b4") }
            return text
        }
    }
}

extension FieldForm where Value == Date {
    /// An instant.
    static var instant: FieldForm {
        text("a time") { text throws(FormFault) in try Instants.date(text) }
    }
}

extension FieldForm where Value == Int {
    /// A whole number within bounds.
    static func whole(_ bounds: ClosedRange<Int>) -> FieldForm {
        FieldForm { sent, pointer, faults in
            let allowed = "a whole number from \(bounds.lowerBound) to \(bounds.upperBound)"
            guard case .number(let digits) = sent else {
                faults.append(FieldFault(pointer, "must be \(allowed), and is \(sent.kind)"))
                return nil
            }
            guard let number = Int(digits), bounds.contains(number) else {
                faults.append(FieldFault(pointer, "must be \(allowed)"))
                return nil
            }
            return number
        }
    }
}

extension FieldForm where Value == Bool {
    /// True or false.
    static var truth: FieldForm {
        FieldForm { sent, pointer, faults in
            guard case .bool(let truth) = sent else {
                faults.append(FieldFault(pointer, "must be true or false, and is \(sent.kind)"))
                return nil
            }
            return truth
        }
    }
}

extension FieldForm
where Value: RawRepresentable, Value.RawValue == String {
    /// One of the values given.
    static func choice(_ allowed: [Value]) -> FieldForm {
        text("a text") { text throws(FormFault) in
            guard let value = Value(rawValue: text),
                allowed.contains(where: { $0.rawValue == text })
            else {
                let names = allowed.map(\.rawValue).joined(separator: ", ")
                throw FormFault("must be one of \(names)")
            }
            return value
        }
    }
}
