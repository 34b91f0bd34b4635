import BerthCore
import Foundation
import NIOCore

/// One event as CloudEvents 1.0 has it, of whose attributes Berth keeps what it reads.
struct CloudEvent: Sendable, Equatable {
    /// With the source it says which event it is: sent again, it is the same.
    var id: String
    var source: String
    var type: String
    /// In whole seconds.
    var time: Date?
    /// Nil without data, and when it is not JSON: nothing that Berth reads is anything else.
    var data: JSONValue?
    /// Where the data stands in the body (RFC 6901), for what is found wrong in it.
    var dataPointer: String
}

extension CloudEvent {
    /// Reads an event in the JSON format (CloudEvents' JSON format, sections 2 and 3), or a CDEvent
    /// that came without an envelope. Nil when faults were found.
    init?(structured value: JSONValue, at place: String, _ faults: inout [FieldFault]) {
        guard case .object(let object) = value else {
            faults.append(FieldFault(place, "must be an event, and is \(value.kind)"))
            return nil
        }
        var fields = FieldReader(object, at: place, isPatch: false)
        defer { faults += fields.faults }
        // No attribute of a CloudEvent is an object, so this is a CDEvent's own context.
        if !fields.has("specversion"), case .object? = object["context"] {
            let event = fields.foreign("context") {
                CloudEvent(attributes: &$0, time: "timestamp", data: value, at: place)
            }
            guard let event else { return nil }
            self = event
            return
        }
        // Of another version, nobody knows what the other members mean.
        guard fields.take("specversion") == .string("1.0") else {
            fields.fault("specversion", "must be \"1.0\": Berth reads CloudEvents 1.0")
            return nil
        }
        let (data, name) = Self.data(&fields, at: place, &faults)
        self.init(attributes: &fields, time: "time", data: data, at: "\(place)/\(name)")
    }

    /// Reads the attributes; nil when one is missing or wrong.
    init?(
        attributes fields: inout FieldReader, time timeName: String, data: JSONValue?,
        at dataPointer: String
    ) {
        fields.require("id", "source", "type")
        let id = fields.read("id", .eventAttribute)
        let source = fields.read("source", .eventAttribute)
        let type = fields.read("type", .eventAttribute)
        var time: Date?
        fields.setOptional(&time, timeName, .instant)
        guard let id, let source, let type, fields.faults.isEmpty else { return nil }
        self.init(
            id: id, source: source, type: type, time: time, data: data, dataPointer: dataPointer)
    }

    /// The data, and the name of the member that holds it (section 3.1).
    private static func data(
        _ fields: inout FieldReader, at place: String, _ faults: inout [FieldFault]
    ) -> (JSONValue?, name: String) {
        let data = fields.take("data").flatMap { $0 == .null ? nil : $0 }
        let name = "data_base64"
        guard let encoded = fields.take(name), encoded != .null else { return (data, "data") }
        guard data == nil else {
            fields.fault(name, "stands beside data: an event has one of them")
            return (nil, name)
        }
        guard case .string(let text) = encoded, let bytes = Data(base64Encoded: text) else {
            fields.fault(name, "is not base64")
            return (nil, name)
        }
        // Without a type, data is JSON (section 3.1.1).
        if case .string(let type)? = fields.take("datacontenttype"), !MediaType(type).isJSON {
            return (nil, name)
        }
        do throws(BerthError) {
            return (try JSONValue(body: ByteBuffer(bytes: bytes), at: "\(place)/\(name)"), name)
        } catch {
            if case .invalid(let found) = error { faults += found }
            return (nil, name)
        }
    }
}

extension CloudEvent {
    /// Whether Berth logs what it learns elsewhere under this source's name.
    static func isReserved(source: String) -> Bool {
        ["api", "import", "inventory"].contains(source) || source.hasPrefix("github:")
    }
}
