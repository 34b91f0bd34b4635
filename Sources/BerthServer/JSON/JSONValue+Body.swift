import BerthCore
import NIOCore

extension JSONValue {
    /// The JSON that a body must be, or a text within one, which stands at the pointer. Throws
    /// `.invalid` when it is none, or repeats a name: which of the two was meant is not known.
    init(body: ByteBuffer, at pointer: String = "") throws(BerthError) {
        let text: JSONText
        do {
            text = try JSONParser.parse(body)
        } catch {
            throw .invalid(pointer, "is not JSON: \(error.reason)" + error.place)
        }
        if text.hasRepetition {
            // A body can repeat a name a million times.
            let repeated = text.value.repeatedMembers(at: pointer).prefix(Limits.faultsListed)
            throw .invalid(repeated.map { FieldFault($0, "stands twice in its object") })
        }
        self = text.value
    }
}

extension JSONFault {
    fileprivate var place: String {
        ", at line \(line), column \(column)"
    }
}
