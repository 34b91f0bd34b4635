import BerthCore
import Hummingbird

/// The media types of a body that a route takes.
enum BodyForm {
    case json
    case mergePatch

    fileprivate func takes(_ type: some StringProtocol) -> Bool {
        switch type.lowercased() {
        case "application/json": true
        case "application/merge-patch+json": self == .mergePatch
        default: false
        }
    }
}

extension Call {
    /// The bytes of the body. One longer than `most` is refused before it is read to its end, by its length
    /// where that is said beforehand.
    func body(atMost most: Int = Limits.bodyBytes) async throws -> ByteBuffer {
        var announced: Int?
        if let header = request.headers[.contentLength] {
            announced = Int(header)
            if let announced, announced > most { throw Problem.tooLarge }
        }
        var body = ByteBuffer()
        for try await part in request.body {
            guard body.readableBytes + part.readableBytes <= most else {
                throw Problem.tooLarge
            }
            if body.readableBytes == 0 {
                body = part
            } else {
                body.writeImmutableBuffer(part)
            }
        }
        if let announced, announced != body.readableBytes {
            throw BerthError.invalid("", "ended before its Content-Length")
        }
        return body
    }

    /// The JSON object that a body must be.
    func object(_ form: BodyForm, from body: ByteBuffer) throws -> JSONObject {
        try checkMediaType(form)
        let text: JSONText
        do {
            text = try JSONParser.parse(body)
        } catch let fault as JSONFault {
            throw BerthError.invalid(
                "", "is not JSON: \(fault.reason), at line \(fault.line), column \(fault.column)")
        }
        if text.hasRepetition {
            throw BerthError.invalid(
                text.value.repeatedMembers().map { FieldFault($0, "stands twice in its object") })
        }
        guard case .object(let object) = text.value else {
            throw BerthError.invalid("", "must be an object, and is \(text.value.kind)")
        }
        return object
    }

    private func checkMediaType(_ form: BodyForm) throws {
        guard let header = request.headers[.contentType] else { throw Problem.unsupportedMediaType }
        let type = header.prefix { $0 != ";" }.trimmingOWS()
        guard form.takes(type) else { throw Problem.unsupportedMediaType }
        // JSON has no charset (RFC 8259, section 11); one that is said and is not UTF-8 is a
        // mistake.
        let parameters = header.dropFirst(type.count).lowercased()
        if parameters.contains("charset"), !parameters.contains("utf-8") {
            throw Problem.unsupportedMediaType
        }
    }
}
