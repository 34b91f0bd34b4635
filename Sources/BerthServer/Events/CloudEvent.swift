import BerthCore
import Foundation
import HTTPTypes
import NIOCore

/// One event as CloudEvents 1.0 has it.
struct CloudEvent: Sendable, Equatable {
    var id: String
    var source: String
    var type: String
    var time: Date?
    var data: JSONValue?
}

extension CloudEvent {
    /// The events of a request: structured, a batch, or binary (CloudEvents' HTTP binding, section 3), and a
    /// CDEvent without an envelope. Throws `.invalid` naming what is wrong, with its place in a batch.
    static func events(in headers: HTTPFields, _ body: ByteBuffer) throws -> [CloudEvent] {
        let header = headers[.contentType] ?? ""
        let type = header.prefix { $0 != ";" }.trimmingOWS().lowercased()
        switch type {
        case "application/cloudevents+json":
            return [try CloudEvent(structured: json(body), at: "")]
        case "application/cloudevents-batch+json":
            return try batch(json(body))
        case "application/json" where headers[cloudEvent("specversion")] != nil:
            return [try CloudEvent(binary: headers, data: json(body))]
        case "application/json":
            let value = try json(body)
            if case .array = value { return try batch(value) }
            return [try CloudEvent(structured: value, at: "")]
        default:
            throw Problem(
                .unsupportedMediaType,
                "send application/cloudevents+json, application/cloudevents-batch+json, or "
                    + "application/json with ce- headers")
        }
    }

    private static func json(_ body: ByteBuffer) throws -> JSONValue {
        do {
            return try JSONParser.parse(body).value
        } catch let fault as JSONFault {
            throw BerthError.invalid(
                "", "is not JSON: \(fault.reason), at line \(fault.line), column \(fault.column)")
        }
    }

    private static func batch(_ value: JSONValue) throws -> [CloudEvent] {
        guard case .array(let events) = value else {
            throw BerthError.invalid("", "must be an array of events, and is \(value.kind)")
        }
        guard events.count <= Limits.eventsPerBatch else {
            throw BerthError.invalid(
                "", "has \(events.count) events: the most is \(Limits.eventsPerBatch)")
        }
        return try events.enumerated().map { try CloudEvent(structured: $1, at: "/\($0)") }
    }

    /// Section 3.1 of the JSON format.
    private init(structured value: JSONValue, at place: String) throws {
        guard case .object(let object) = value else {
            throw BerthError.invalid(place, "must be an event, and is \(value.kind)")
        }
        if object["specversion"] == nil, case .object(let context)? = object["context"] {
            self = try CloudEvent(context, data: value, at: "\(place)/context", time: "timestamp")
            return
        }
        guard object["specversion"] == .string("1.0") else {
            throw BerthError.invalid(
                "\(place)/specversion", "must be 1.0: Berth reads CloudEvents 1.0")
        }
        var data = object["data"]
        if data == nil, case .string(let text)? = object["data_base64"] {
            guard let bytes = Data(base64Encoded: text) else {
                throw BerthError.invalid("\(place)/data_base64", "is not base64")
            }
            data = try Self.json(ByteBuffer(bytes: bytes))
        }
        self = try CloudEvent(object, data: data, at: place, time: "time")
    }

    private init(_ object: JSONObject, data: JSONValue?, at place: String, time: String) throws {
        func attribute(_ name: String) throws -> String {
            guard case .string(let text)? = object[name], !text.isEmpty,
                text.utf8.count <= Limits.attributeBytes
            else {
                throw BerthError.invalid(
                    "\(place)/\(name)", "is required: a text of 1 to \(Limits.attributeBytes) bytes"
                )
            }
            return ReportedChange.cleaned(text)
        }
        self.init(
            id: try attribute("id"), source: try attribute("source"), type: try attribute("type"),
            time: nil, data: data)
        if let sent = object[time], sent != .null {
            guard case .string(let text) = sent, let instant = Self.instant(text) else {
                throw BerthError.invalid(
                    "\(place)/\(time)", "is not a time of RFC 3339, with its offset")
            }
            self.time = instant
        }
    }

    /// Section 3.1.3 of the HTTP binding: attributes in headers, percent-encoded.
    private init(binary headers: HTTPFields, data: JSONValue) throws {
        func attribute(_ name: String) -> JSONObject.Member? {
            headers[Self.cloudEvent(name)].map {
                JSONObject.Member(name: name, value: .string($0.removingPercentEncoding ?? $0))
            }
        }
        guard headers[Self.cloudEvent("specversion")] == "1.0" else {
            throw BerthError.invalid("ce-specversion", "must be 1.0: Berth reads CloudEvents 1.0")
        }
        let attributes = ["id", "source", "type", "time"].compactMap(attribute)
        self = try CloudEvent(JSONObject(members: attributes), data: data, at: "", time: "time")
    }

    private static func cloudEvent(_ name: String) -> HTTPField.Name {
        HTTPField.Name("ce-\(name)") ?? .contentType
    }

    /// A time, its fraction of a second left out: sources send fractions.
    static func instant(_ text: String) -> Date? {
        guard let dot = text.firstIndex(of: ".") else { return try? RFC3339.date(text) }
        let rest = text[text.index(after: dot)...]
        let fraction = rest.prefix { $0.isASCII && $0.isNumber }
        guard !fraction.isEmpty else { return nil }
        return try? RFC3339.date(String(text[..<dot]) + String(rest.dropFirst(fraction.count)))
    }
}

extension JSONValue {
    /// The text at a path of names; nil when there is none, or it is empty.
    func text(_ path: String...) -> String? {
        var value = self
        for name in path {
            guard case .object(let object) = value, let member = object[name] else { return nil }
            value = member
        }
        guard case .string(let text) = value, !text.isEmpty else { return nil }
        return ReportedChange.cleaned(text)
    }
}
