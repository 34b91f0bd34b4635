import BerthCore
import Foundation

extension FieldForm where Value == String {
    /// What an event is known by. Control characters are refused and nothing is cut, so that two
    /// events never become one.
    static var eventAttribute: FieldForm {
        text("a text") { text throws(FormFault) in
            guard text.utf8.count <= Limits.attributeBytes else {
                throw FormFault(
                    "has \(text.utf8.count) bytes: the most is \(Limits.attributeBytes)")
            }
            try TextRules.checkLine(text, atMost: Limits.attributeBytes)
            return text
        }
    }

    /// What another tool calls something: any text that says something, cleaned.
    static var foreignName: FieldForm {
        text("a text") { text throws(FormFault) in
            let name = ReportedChange.cleaned(text)
            guard !name.isEmpty else { throw FormFault("is blank") }
            return name
        }
    }
}

extension FieldReader {
    /// What another tool calls something; nil when it calls it nothing.
    mutating func foreignText(_ name: String) -> String? {
        switch take(name) ?? .null {
        case .null: return nil
        case .string(let text):
            let line = ReportedChange.cleaned(text)
            return line.isEmpty ? nil : line
        case let sent:
            fault(name, "must be a text, and is \(sent.kind)")
            return nil
        }
    }
}

extension JSONValue {
    /// The text at a path of names, in one line; nil when none is there, or it says nothing. For
    /// what an event may leave out: of another shape, it is left out too.
    func text(_ path: String...) -> String? {
        var value = self
        for name in path {
            guard case .object(let object) = value, let member = object[name] else { return nil }
            value = member
        }
        guard case .string(let text) = value else { return nil }
        let line = ReportedChange.cleaned(text)
        return line.isEmpty ? nil : line
    }
}
