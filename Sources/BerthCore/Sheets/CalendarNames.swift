/// What a calendar's events can name: environments, by key or name, and teams; in letters of either case.
public struct CalendarNames: Sendable {
    private var environments: [String: String] = [:]
    private var teams: [String: String] = [:]
    /// The IANA zones of all environments.
    public private(set) var timeZones: [String: String] = [:]

    /// A name that several environments have names none of them.
    public init(
        environments: [(key: String, name: String, timeZone: String)], teams: [String]
    ) {
        let byName = Dictionary(grouping: environments) { $0.name.lowercased() }
        for (name, known) in byName where known.count == 1 {
            self.environments[name] = known[0].key
        }
        for environment in environments {
            self.environments[environment.key] = environment.key
            timeZones[environment.key] = environment.timeZone
        }
        for team in teams { self.teams[team.lowercased()] = team }
    }

    /// The keys that a text names: as a whole, or each of its pieces between commas and semicolons, or between
    /// spaces; each once. Throws the first piece that names none.
    func keys(in text: String) throws(UnknownEnvironment) -> [String] {
        let text = text.lowercased()
        let pieces = text.split { $0 == "," || $0 == ";" }.map { String($0[...].trimmed) }
        for parts in [[String(text[...].trimmed)], pieces.filter { !$0.isEmpty }] {
            let keys = parts.compactMap { environments[$0] }
            if !keys.isEmpty, keys.count == parts.count { return keys.uniqued }
        }
        var keys: [String] = []
        for piece in CellText.list(text) {
            guard let key = environments[String(piece)] else {
                throw UnknownEnvironment(name: String(piece.prefix(Limits.textCharacters)))
            }
            keys.append(key)
        }
        return keys.uniqued
    }

    /// The first of these that names a team.
    func team(among categories: [String]) -> String? {
        categories.lazy.compactMap { teams[$0.lowercased()] }.first
    }
}

/// A piece of a text that names no environment.
struct UnknownEnvironment: Error {
    let name: String
}

extension Substring {
    fileprivate var trimmed: Substring {
        var text = drop { $0.isWhitespace }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}

extension [String] {
    /// Each once, in their order.
    fileprivate var uniqued: [String] {
        var seen = Set<String>()
        return filter { seen.insert($0).inserted }
    }
}
