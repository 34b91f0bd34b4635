import BerthCore
import Foundation

extension Conflict {
    /// Writes what stands in the way.
    func write(_ json: inout JSONWriter) {
        json.object { json in
            json.member("environment", environment)
            json.member("via", via)
            json.member("kind", kind.rawValue)
            json.member("reference", reference)
            json.member("title", title)
            json.member("team", team)
            json.member("holder", holder)
            json.member("contact", contact)
            json.member("startsAt", startsAt)
            json.member("endsAt", endsAt)
            json.member("blocksFrom", blocksFrom)
            json.member("blocksUntil", blocksUntil)
            json.member("mode", mode?.rawValue)
            json.member("isPending", isPending)
            if let recurrenceID { json.member("recurrenceId", recurrenceID) }
            if let moving { json.member("moving", moving.description) }
        }
    }
}

extension Alternative {
    /// Writes what would do instead.
    func write(_ json: inout JSONWriter) {
        json.object { json in
            json.member("environments", environments)
            json.member("startsAt", startsAt)
            json.member("endsAt", endsAt)
            if let days { json.member("days", days) }
        }
    }
}

extension Availability {
    /// Writes when an environment is taken, each time with its cause, and when it is free.
    func write(_ json: inout JSONWriter) {
        json.object { json in
            json.member("environment", environment)
            json.member("from", from)
            json.member("to", to)
            json.name("busy")
            json.array(busy) { json, cause in
                json.object { json in
                    json.member("startsAt", cause.startsAt)
                    json.member("endsAt", cause.endsAt)
                    json.member("blocksFrom", cause.blocksFrom)
                    json.member("blocksUntil", cause.blocksUntil)
                    json.name("cause")
                    cause.write(&json)
                }
            }
            json.name("free")
            json.array(free) { json, span in
                json.object { json in
                    json.member("startsAt", span.lowerBound)
                    json.member("endsAt", span.upperBound)
                }
            }
        }
    }
}
