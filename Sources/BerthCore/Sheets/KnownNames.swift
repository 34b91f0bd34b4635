/// What a sheet or a calendar can name: environments, by key or name, and teams; in letters of either case.
public struct KnownNames: Sendable {
    private var environments: [String: String] = [:]
    private var teams: [String: String] = [:]
    /// Keys and names as they are written, for who misspells one; no more than can be compared quickly.
    private let written: [String]
    /// The IANA zones of all environments.
    public private(set) var timeZones: [String: String] = [:]

    /// A name that several environments have names none of them; a retired one is known by its key alone.
    public init(
        environments: [(key: String, name: String, timeZone: String, isRetired: Bool)],
        teams: [String]
    ) {
        let inUse = environments.filter { !$0.isRetired && !$0.name.isEmpty }
        let byName = Dictionary(grouping: inUse) { $0.name.lowercased() }
        written = Array(
            Set(inUse.flatMap { [$0.key, $0.name] }).sorted().prefix(Limits.namesCompared))
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
        let pieces = text.split { $0 == "," || $0 == ";" }.map { $0.trimmed }.filter { !$0.isEmpty }
        for parts in [[text[...].trimmed], pieces] {
            let keys = parts.compactMap { environments[$0.lowercased()] }
            if !keys.isEmpty, keys.count == parts.count { return keys.uniqued }
        }
        var keys: [String] = []
        for piece in CellText.list(text) {
            guard let key = environments[piece.lowercased()] else {
                // What a comma sets apart was meant as one name, spaces and all.
                let whole = pieces.first { $0.contains(piece) } ?? piece
                throw UnknownEnvironment(
                    name: String(whole.prefix(Limits.textCharacters)),
                    nearest: String(whole).nearest(among: written))
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
struct UnknownEnvironment: Error, CustomStringConvertible {
    let name: String
    /// The name that was probably meant.
    let nearest: String?

    /// What is wrong, and what to do.
    var description: String {
        "there is no environment “\(name)”" + (nearest.map { ": is \($0) meant?" } ?? "")
    }
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
