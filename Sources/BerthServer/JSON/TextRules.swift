import BerthCore
import Foundation
import Synchronization

/// What texts may be made of.
enum TextRules {
    /// C0, DEL, C1, and the two Unicode line ends: nothing that a line of text can hold.
    static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x00..<0x20, 0x7F..<0xA0, 0x2028, 0x2029: true
        default: false
        }
    }

    /// Of those, line ends and tabs may stand in texts of several lines.
    static func isForbiddenInLines(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "\n", "\r", "\t", "\u{2028}", "\u{2029}": false
        default: isControl(scalar)
        }
    }

    /// Throws when a text has more characters (Unicode code points, as JSON Schema counts them).
    static func checkLength(_ text: String, atMost most: Int) throws(FormFault) {
        // Bytes are counted first because they are known; few texts come near a limit.
        guard text.utf8.count > most else { return }
        let count = text.unicodeScalars.count
        if count > most { throw FormFault("has \(count) characters: the most is \(most)") }
    }

    /// Throws when a text is too long, blank, or has a control character.
    static func checkLine(_ text: String, atMost most: Int) throws(FormFault) {
        try checkLength(text, atMost: most)
        var isBlank = true
        for scalar in text.unicodeScalars {
            if isControl(scalar) { throw FormFault("has a control character or a line end") }
            if isBlank, !scalar.properties.isWhitespace { isBlank = false }
        }
        if isBlank { throw FormFault("is blank") }
    }

    /// Whether a text can be an environment's key.
    static func isSlug(_ text: String) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last, text.utf8.count <= 64 else {
            return false
        }
        return isLetterOrDigit(first) && isLetterOrDigit(last)
            && text.utf8.allSatisfy {
                isLetterOrDigit($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_")
                    || $0 == UInt8(ascii: "-")
            }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }
}

/// What labels may be made of.
enum LabelRules {
    /// Selectors give these names to fields.
    static let reservedKeys: Set<String> = ["tier", "owner", "status"]

    /// What is wrong with a label's key; nil when nothing is.
    static func faultOfKey(_ key: String, isSelector: Bool = false) -> String? {
        if !isSelector, reservedKeys.contains(key) {
            return "is reserved: selectors read it as the field of that name"
        }
        guard !key.isEmpty, !key.unicodeScalars.contains(where: TextRules.isControl),
            !key.utf8.contains(where: { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: ":") }),
            key.utf8.count <= Limits.labelKeyCharacters
                || key.unicodeScalars.count <= Limits.labelKeyCharacters
        else {
            return "is not a label's key: 1 to \(Limits.labelKeyCharacters) characters "
                + "without comma, colon and control characters"
        }
        return nil
    }
}

/// Instants as the API takes them.
enum Instants {
    private static let bounds = 0...Double(Limits.latestSecond)

    /// Reads an instant within 1970 to 9999.
    static func date(_ text: String) throws(FormFault) -> Date {
        let date: Date
        do {
            date = try RFC3339.date(text)
        } catch {
            throw FormFault(error.detail)
        }
        guard bounds.contains(date.timeIntervalSince1970) else {
            throw FormFault("is not in the years 1970 to 9999")
        }
        return date
    }
}
