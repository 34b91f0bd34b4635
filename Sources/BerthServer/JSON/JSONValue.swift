/// A JSON value as it was sent: numbers keep their digits, objects their members' order and
/// repetitions.
///
/// Berth reads JSON itself because what the contract promises cannot be had from `JSONDecoder`:
/// repeated and unknown names refused, a bound on nesting, and all faults of a body told at once,
/// each with its pointer. It also stands on the path of every booking, where `JSONDecoder` costs
/// several times as much.
enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// What it is, for messages: "a number".
    var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }

    /// Pointers to the members of all objects in it whose name stood in the same object before.
    func repeatedMembers(at pointer: String = "") -> [String] {
        switch self {
        case .null, .bool, .number, .string: []
        case .array(let elements):
            elements.indices.flatMap { elements[$0].repeatedMembers(at: "\(pointer)/\($0)") }
        case .object(let object): object.repeatedMembers(at: pointer)
        }
    }
}

/// The members of a JSON object, in the order sent.
struct JSONObject: Sendable, Equatable {
    /// A name and its value.
    struct Member: Sendable {
        var name: String
        var value: JSONValue
    }

    var members: [Member] = []

    /// The first value of that name.
    subscript(name: String) -> JSONValue? {
        members.first { $0.name == name }?.value
    }

    /// Objects are equal whatever the order of their members.
    static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.members.count == right.members.count
            && left.members.allSatisfy { right[$0.name] == $0.value }
    }

    fileprivate func repeatedMembers(at pointer: String) -> [String] {
        var seen: Set<String> = []
        var found: [String] = []
        for member in members {
            let place = pointer + "/" + JSONPointer.escaped(member.name)
            if !seen.insert(member.name).inserted { found.append(place) }
            found += member.value.repeatedMembers(at: place)
        }
        return found
    }
}

/// RFC 6901.
enum JSONPointer {
    /// A name as one step of a pointer.
    static func escaped(_ name: String) -> String {
        guard name.utf8.contains(where: { $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: "/") })
        else {
            return name
        }
        var step = ""
        for scalar in name.unicodeScalars {
            switch scalar {
            case "~": step += "~0"
            case "/": step += "~1"
            default: step.unicodeScalars.append(scalar)
            }
        }
        return step
    }
}
