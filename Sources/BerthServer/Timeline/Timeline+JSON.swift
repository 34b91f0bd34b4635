import BerthCore

extension Timeline {
    /// Writes the timeline in columns. Numbers that rise along a column are written as the difference from the one
    /// before; values of small sets as places in a list that the answer gives, so that they may grow.
    func write(_ json: inout JSONWriter) {
        json.object { json in
            json.member("from", span.lowerBound)
            json.member("to", span.upperBound)
            json.member("at", at)
            json.member("position", position)
            json.member("teams", teams)
            json.member("titles", titles)
            json.member("states", Booking.State.allCases.map(\.rawValue))
            json.member("modes", Booking.Mode.allCases.map(\.rawValue))
            json.member("kinds", ChangeWindow.Kind.allCases.map(\.rawValue))
            json.member("windowStates", ChangeWindow.State.allCases.map(\.rawValue))
            json.member("usages", TestEnvironment.Part.Usage.allCases.map(\.rawValue))
            json.member("controls", Change.Control.allCases.map(\.rawValue))
            json.name("environments")
            json.object { writeEnvironments(&$0) }
            json.name("bookings")
            json.object { bookings.write(&$0) }
            json.name("lines")
            json.object { json in
                json.differences("booking", lines.bookingIndexes)
                json.numbers("environment", lines.environmentIndexes)
                json.numbers("via", lines.viaIndexes)
                json.numbers("exclusive", lines.exclusives)
            }
            json.name("windows")
            json.object { windows.write(&$0) }
            json.name("windowLines")
            json.object { json in
                json.differences("window", windows.lineWindowIndexes)
                json.numbers("environment", windows.lineEnvironmentIndexes)
            }
            json.name("changes")
            json.object { changes.write(&$0) }
        }
    }

    private func writeEnvironments(_ json: inout JSONWriter) {
        let places = Dictionary(
            uniqueKeysWithValues: environments.enumerated().map { ($1.key, $0) })
        json.numbers("id", environments.map { Int($0.id) })
        json.member("key", environments.map(\.key))
        json.member("name", environments.map(\.name))
        json.member("tier", environments.map(\.tier))
        json.name("owner")
        json.array(environments) { json, environment in
            if let owner = environment.ownerTeam { json.value(owner) } else { json.null() }
        }
        json.member("zone", environments.map(\.timeZone))
        json.member("status", environments.map(\.status.rawValue))
        json.name("capacity")
        json.array(environments) { json, environment in
            if let capacity = environment.capacity { json.value(capacity) } else { json.null() }
        }
        json.name("labels")
        json.array(environments) { $0.value($1.labels) }
        json.name("openingHours")
        json.array(environments) { json, environment in
            json.array(environment.policy.openingHours ?? []) { json, hours in
                json.object { json in
                    json.member("days", hours.days)
                    json.member("from", hours.from)
                    json.member("to", hours.to)
                }
            }
        }
        json.name("parts")
        json.array(environments) { json, environment in
            json.array(environment.parts.compactMap { places[$0.key] }) { $0.value($1) }
        }
        let all = TestEnvironment.Part.Usage.allCases
        json.name("usages")
        json.array(environments) { json, environment in
            let drawn = environment.parts.filter { places[$0.key] != nil }
            json.array(drawn.compactMap { all.firstIndex(of: $0.usage) }) { $0.value($1) }
        }
    }
}

extension Timeline.Bookings {
    fileprivate func write(_ json: inout JSONWriter) {
        json.differences("id", ids)
        json.numbers("version", versions)
        json.differences("start", starts)
        json.numbers("length", lengths)
        json.places("state", states, in: Booking.State.allCases)
        json.places("mode", modes, in: Booking.Mode.allCases)
        json.numbers("team", teamIndexes)
        json.numbers("title", titleIndexes)
        json.numbers("setup", setups)
        json.numbers("teardown", teardowns)
        json.numbers("flags", flags)
    }
}

extension Timeline.Windows {
    fileprivate func write(_ json: inout JSONWriter) {
        json.differences("id", ids)
        json.places("kind", kinds, in: ChangeWindow.Kind.allCases)
        json.places("state", states, in: ChangeWindow.State.allCases)
        json.differences("start", starts)
        json.numbers("length", lengths)
        json.numbers("title", titleIndexes)
    }
}

extension Timeline.Changes {
    fileprivate func write(_ json: inout JSONWriter) {
        json.differences("id", ids)
        json.numbers("environment", environmentIndexes)
        json.differences("at", ats)
        json.places("control", controls, in: Change.Control.allCases)
        json.numbers("team", teamIndexes)
    }
}

extension JSONWriter {
    fileprivate mutating func numbers(_ name: StaticString, _ numbers: [Int]) {
        self.name(name)
        value(numbers)
    }

    /// The first number, and then what is added to come to each next one.
    fileprivate mutating func differences(_ name: StaticString, _ numbers: [Int]) {
        self.name(name)
        var last = 0
        value(
            numbers.map { number in
                defer { last = number }
                return number - last
            })
    }

    /// Where each value stands in the list of all.
    fileprivate mutating func places<Value: Equatable>(
        _ name: StaticString, _ values: [Value], in all: [Value]
    ) {
        self.name(name)
        value(values.map { all.firstIndex(of: $0) ?? 0 })
    }
}
