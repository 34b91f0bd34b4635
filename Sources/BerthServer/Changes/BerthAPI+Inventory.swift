import BerthCore
import BerthDatabase
import Foundation
import Hummingbird

extension BerthAPI {
    func getInventory(_ call: Call) async throws -> Response {
        try call.refuseQuery()
        let inventory = try await database.inventory(call.parameter("key"))
        return Answer { json in
            json.object { json in
                json.member("environment", inventory.environment)
                json.member("observedAt", inventory.observedAt)
                json.member("components", inventory.components)
            }
        }.response
    }

    func putInventory(_ call: Call) async throws -> Response {
        let dryRun = try call.dryRun()
        let object = try await call.object(.json, from: call.body(atMost: Limits.eventBytes))
        var inventory = Inventory(
            environment: try call.parameter("key"), observedAt: nil, components: [:])
        var observedAt = call.now.flooredToSecond
        var fields = FieldReader(object, isPatch: false)
        fields.require("components")
        inventory.components = fields.read("components", .components) ?? [:]
        fields.set(&observedAt, "observedAt", .instant)
        if observedAt > call.now.addingTimeInterval(Double(Limits.clockSkewSeconds)) {
            fields.fault("observedAt", "is ahead of Berth's clock by more than 5 minutes")
        }
        try fields.finish()
        let differences = try await database.observe(
            inventory, at: observedAt, by: call.caller, now: call.now, dryRun: dryRun)
        return Answer { json in
            json.object { json in
                json.member("environment", inventory.environment)
                json.member("observedAt", observedAt)
                json.name("differences")
                json.array(differences) { $1.write(&$0) }
            }
        }.response
    }
}

extension InventoryDifference {
    fileprivate func write(_ json: inout JSONWriter) {
        json.object { json in
            json.member("component", component)
            json.member("from", from)
            json.member("to", to)
            json.name("explainedBy")
            if let explainedBy { json.value(explainedBy) } else { json.null() }
            json.member("settlesAt", settlesAt)
        }
    }
}

extension FieldForm where Value == [String: String] {
    /// Versions by component: an object, or an array of `{component, version}`.
    static var components: FieldForm {
        FieldForm { sent, pointer, faults in
            var pairs: [(name: String, version: JSONValue?, place: String)] = []
            switch sent {
            case .object(let object):
                pairs = object.members.map {
                    ($0.name, $0.value, "\(pointer)/\(JSONPointer.escaped($0.name))")
                }
            case .array(let elements):
                for (index, element) in elements.enumerated() {
                    guard case .object(let object) = element,
                        case .string(let name)? = object["component"]
                    else {
                        faults.append(
                            FieldFault("\(pointer)/\(index)", "must be {component, version}"))
                        return nil
                    }
                    pairs.append((name, object["version"], "\(pointer)/\(index)/version"))
                }
            default:
                faults.append(
                    FieldFault(pointer, "must be an object of versions, and is \(sent.kind)"))
                return nil
            }
            guard pairs.count <= Limits.components else {
                faults.append(
                    FieldFault(
                        pointer, "has \(pairs.count) components: the most is \(Limits.components)"))
                return nil
            }
            var components: [String: String] = [:]
            for pair in pairs {
                let form = FieldForm<String>.line()
                guard form.read(.string(pair.name), pair.place, &faults) != nil,
                    let version = form.read(pair.version ?? .null, pair.place, &faults)
                else { continue }
                if components.updateValue(version, forKey: pair.name) != nil {
                    faults.append(FieldFault(pair.place, "names \(pair.name) twice"))
                }
            }
            return components
        }
    }
}
