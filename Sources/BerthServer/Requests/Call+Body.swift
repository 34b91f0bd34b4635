import BerthCore
import Hummingbird

/// The media types of a body that a route takes.
enum BodyForm {
    case json
    case mergePatch

    fileprivate func takes(_ type: MediaType) -> Bool {
        switch type.name {
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
        if let coding = request.headers[.contentEncoding], coding.lowercased() != "identity" {
            throw Problem.encoded(as: coding)
        }
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
        guard let type = request.headers[.contentType].map(MediaType.init), form.takes(type),
            !type.hasForeignCharset
        else { throw Problem.unsupportedMediaType }
        let value = try JSONValue(body: body)
        guard case .object(let object) = value else {
            throw BerthError.invalid("", "must be an object, and is \(value.kind)")
        }
        return object
    }
}
