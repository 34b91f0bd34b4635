import Foundation
import Yams

@testable import BerthServer

/// Holds answers to openapi.yaml: every member that it names is there and of its type, and no member is there
/// that it does not name.
struct ContractSchema: @unchecked Sendable {
    // Read once and never written: the values are plain numbers, strings, arrays and dictionaries.
    let document: [String: Any]

    static let shared = Result { try ContractSchema() }

    private init() throws {
        document = try Yams.load(yaml: Contract.text()) as? [String: Any] ?? [:]
    }

    /// What is wrong with an answer; empty when it is as promised, and for paths that the contract has not.
    func faults(
        _ method: String, _ uri: String, status: Int, mediaType: String?, body: String
    ) throws -> [String] {
        guard let operation = operation(method, uri) else { return [] }
        let responses = operation["responses"] as? [String: Any] ?? [:]
        guard let response = resolved(responses["\(status)"] ?? responses["default"]) else {
            return ["\(method) \(uri): status \(status) is not in the contract"]
        }
        guard let content = response["content"] as? [String: Any] else {
            return body.isEmpty ? [] : ["\(method) \(uri): \(status) has a body"]
        }
        let type = mediaType.map { String($0.prefix { $0 != ";" }) } ?? "no type"
        guard let media = content[type] as? [String: Any] else {
            return ["\(method) \(uri): \(status) is \(type), which is not in the contract"]
        }
        guard type.hasSuffix("json") else { return [] }
        return faults(try Yams.load(yaml: body), media["schema"], at: "\(method) \(uri) \(status):")
    }

    private func operation(_ method: String, _ uri: String) -> [String: Any]? {
        let wanted = uri.prefix { $0 != "?" }.split(separator: "/")
        let paths = document["paths"] as? [String: [String: Any]] ?? [:]
        let matching = paths.filter { path, _ in
            let parts = path.split(separator: "/")
            return parts.count == wanted.count
                && zip(parts, wanted).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        }
        return matching.min { $0.key.count < $1.key.count }?.value[method.lowercased()]
            as? [String: Any]
    }

    /// The object itself, or what its `$ref` names.
    func resolved(_ value: Any?) -> [String: Any]? {
        guard let object = value as? [String: Any] else { return nil }
        guard let reference = object["$ref"] as? String else { return object }
        let target = reference.dropFirst(2).split(separator: "/").reduce(document as Any?) {
            ($0 as? [String: Any])?[String($1)]
        }
        return resolved(target)
    }

    private func faults(_ value: Any?, _ schema: Any?, at place: String) -> [String] {
        guard let schema = resolved(schema) else { return [] }
        if let any = (schema["oneOf"] ?? schema["anyOf"]) as? [Any] {
            let each = any.map { faults(value, $0, at: place) }
            return each.contains { $0.isEmpty } ? [] : each.first ?? []
        }
        let type = Self.type(of: value)
        let types = schema["type"] as? [String] ?? (schema["type"] as? String).map { [$0] } ?? []
        guard
            types.isEmpty || types.contains(type) || (type == "integer" && types.contains("number"))
        else { return ["\(place) is \(type), should be \(types)"] }
        if let text = value as? String,
            let known = (schema["x-extensible-enum"] ?? schema["enum"]) as? [Any],
            !known.contains(where: { $0 as? String == text })
        {
            return ["\(place) is \(text), which is not among \(known)"]
        }
        if let items = value as? [Any] {
            return items.enumerated().flatMap {
                faults($1, schema["items"], at: "\(place)/\($0)")
            }
        }
        guard let object = value as? [String: Any] else { return [] }
        let known = members(of: schema)
        let missing = known.required.filter { object[$0] == nil }.map {
            "\(place)/\($0) is missing"
        }
        return missing
            + object.flatMap { name, member -> [String] in
                if let schema = known.properties[name] {
                    return faults(member, schema, at: "\(place)/\(name)")
                }
                return known.isOpen ? [] : ["\(place)/\(name) is not in the contract"]
            }
    }

    private struct Members {
        var properties: [String: Any] = [:]
        var required: Set<String> = []
        var isOpen = false
    }

    private func members(of schema: [String: Any]) -> Members {
        var members = Members()
        members.properties = schema["properties"] as? [String: Any] ?? [:]
        members.required = Set(schema["required"] as? [String] ?? [])
        members.isOpen =
            schema["additionalProperties"] != nil
            && schema["additionalProperties"] as? Bool != false
        for part in (schema["allOf"] as? [Any] ?? []).compactMap(resolved) {
            let more = self.members(of: part)
            members.properties.merge(more.properties) { _, new in new }
            members.required.formUnion(more.required)
            members.isOpen = members.isOpen || more.isOpen
        }
        return members
    }

    private static func type(of value: Any?) -> String {
        switch value {
        case nil, is NSNull: "null"
        case is Bool: "boolean"
        case is Int: "integer"
        case is Double: "number"
        case is String: "string"
        case is [Any]: "array"
        case is [String: Any]: "object"
        default: "\(Swift.type(of: value))"
        }
    }
}
