import BerthCore
import HTTPTypes
import NIOCore

extension CloudEvent {
    /// The events of a request, in order: one in structured mode, a batch, one in binary mode
    /// (CloudEvents' HTTP binding, section 3), or CDEvents without an envelope as plain JSON. Throws
    /// `.invalid` with all faults found, at most ``Limits/faultsListed``, each with its place in a
    /// batch; ``Problem`` where the content type is none of these.
    static func events(in headers: HTTPFields, _ body: ByteBuffer) throws -> [CloudEvent] {
        let type = headers[.contentType].map(MediaType.init)
        if let type, type.isJSON, type.hasForeignCharset { throw Problem.unsupportedEvents }
        switch type?.name {
        case "application/cloudevents+json": return try structured([JSONValue(body: body)])
        case "application/cloudevents-batch+json": return try batch(JSONValue(body: body))
        case let name? where name.hasPrefix("application/cloudevents"):
            // Avro, Protobuf: binary mode has no such type (section 3).
            throw Problem.unsupportedEvents
        case _ where required.contains { headers.contains(.cloudEvent($0)) }:
            return [try binary(headers, type, body)]
        case "application/json":
            let value = try JSONValue(body: body)
            if case .array = value { return try batch(value) }
            return try structured([value])
        default: throw Problem.unsupportedEvents
        }
    }

    private static let required = ["specversion", "id", "source", "type"]

    private static func batch(_ value: JSONValue) throws(BerthError) -> [CloudEvent] {
        guard case .array(let events) = value else {
            throw .invalid("", "must be an array of events, and is \(value.kind)")
        }
        guard events.count <= Limits.eventsPerBatch else {
            throw .invalid("", "has \(events.count) events: the most is \(Limits.eventsPerBatch)")
        }
        return try structured(events, inBatch: true)
    }

    private static func structured(
        _ values: [JSONValue], inBatch: Bool = false
    ) throws(BerthError) -> [CloudEvent] {
        var faults: [FieldFault] = []
        var events: [CloudEvent] = []
        events.reserveCapacity(values.count)
        for (index, value) in values.enumerated() where faults.count < Limits.faultsListed {
            let place = inBatch ? "/\(index)" : ""
            if let event = CloudEvent(structured: value, at: place, &faults) {
                events.append(event)
            }
        }
        guard faults.isEmpty else { throw .invalid(Array(faults.prefix(Limits.faultsListed))) }
        return events
    }

    /// Attributes in header fields, data in the body (section 3.1).
    private static func binary(
        _ headers: HTTPFields, _ type: MediaType?, _ body: ByteBuffer
    ) throws(BerthError) -> CloudEvent {
        guard headers[.cloudEvent("specversion")] == "1.0" else {
            throw .invalid("ce-specversion", "must be 1.0: Berth reads CloudEvents 1.0")
        }
        var attributes = JSONObject()
        var faults: [FieldFault] = []
        for name in ["id", "source", "type", "time"] {
            let values = headers[values: .cloudEvent(name)]
            guard let value = values.first else { continue }
            guard values.count == 1, let text = attribute(value) else {
                let detail =
                    values.count > 1 ? "stands twice" : "is not text in percent-encoded UTF-8"
                faults.append(FieldFault("/\(name)", detail))
                continue
            }
            attributes.members.append(.init(name: name, value: .string(text)))
        }
        // What could not be read is not missing.
        let unread = Set(faults.map(\.pointer))
        var fields = FieldReader(attributes, isPatch: false)
        let isJSON = type?.isJSON ?? true
        let data = isJSON && body.readableBytes > 0 ? try JSONValue(body: body) : nil
        let event = CloudEvent(attributes: &fields, time: "time", data: data, at: "")
        faults += fields.faults.filter { !unread.contains($0.pointer) }
        guard let event, faults.isEmpty else {
            throw .invalid(faults.map { FieldFault("ce-\($0.pointer.dropFirst())", $0.detail) })
        }
        return event
    }

    /// A header's value as text: unquoted, then percent-decoded once (section 3.1.3.2).
    private static func attribute(_ value: String) -> String? {
        guard value.utf8.count > 1, value.hasPrefix("\""), value.hasSuffix("\"") else {
            return PercentCoding.decoded(value)
        }
        var text = ""
        var isEscaped = false
        for character in value.dropFirst().dropLast() {
            isEscaped = character == "\\" && !isEscaped
            if !isEscaped { text.append(character) }
        }
        return PercentCoding.decoded(text)
    }
}

extension Problem {
    fileprivate static var unsupportedEvents: Problem {
        Problem(
            .unsupportedMediaType,
            "send application/cloudevents+json, application/cloudevents-batch+json, or "
                + "application/json with ce- header fields or of CDEvents")
    }
}

extension HTTPField.Name {
    fileprivate static func cloudEvent(_ attribute: String) -> HTTPField.Name {
        named("ce-\(attribute)")
    }
}
