import Foundation

@testable import BerthServer

extension ContractSchema {
    /// How many things the contract describes.
    var described: Int {
        func count(_ value: Any?) -> Int {
            if let object = value as? [String: Any] {
                return (object["description"] is String ? 1 : 0)
                    + object.values.reduce(0) { $0 + count($1) }
            }
            return (value as? [Any])?.reduce(0) { $0 + count($1) } ?? 0
        }
        return count(document)
    }

    /// The operations, parameters and properties without a description, and the bodies without an example.
    func undocumented() -> [String] {
        var missing: [String] = []
        for (path, item) in document["paths"] as? [String: [String: Any]] ?? [:] {
            let shared = item["parameters"] as? [Any] ?? []
            for (method, operation) in item {
                guard let operation = operation as? [String: Any] else { continue }
                let place = "\(method) \(path)"
                if !isDescribed(operation) { missing.append(place) }
                for parameter in shared + (operation["parameters"] as? [Any] ?? []) {
                    let name = resolved(parameter)?["name"] as? String ?? "?"
                    if !isDescribed(parameter) { missing.append("\(place) \(name)") }
                }
                let body = resolved(operation["requestBody"])?["content"] as? [String: Any] ?? [:]
                for (type, media) in body {
                    let media = media as? [String: Any] ?? [:]
                    if media["example"] == nil, media["examples"] == nil {
                        missing.append("\(place) \(type)")
                    }
                }
            }
        }
        let components = document["components"] as? [String: Any]
        for (name, schema) in components?["schemas"] as? [String: Any] ?? [:] {
            missing += undescribedProperties(of: schema, at: name)
        }
        return missing.sorted()
    }

    private func undescribedProperties(of schema: Any, at place: String) -> [String] {
        guard let schema = schema as? [String: Any] else { return [] }
        var missing: [String] = []
        for (name, property) in schema["properties"] as? [String: Any] ?? [:] {
            if !isDescribed(property) { missing.append("\(place).\(name)") }
            missing += undescribedProperties(of: property, at: "\(place).\(name)")
        }
        for inner in ["allOf", "anyOf", "oneOf"].flatMap({ schema[$0] as? [Any] ?? [] }) {
            missing += undescribedProperties(of: inner, at: place)
        }
        if let items = schema["items"] {
            missing += undescribedProperties(of: items, at: "\(place)[]")
        }
        return missing
    }

    /// Whether a thing, or what it refers to, says what it is.
    private func isDescribed(_ value: Any) -> Bool {
        let own = (value as? [String: Any])?["description"]
        return ((own ?? resolved(value)?["description"]) as? String)?.isEmpty == false
    }
}
