import ArgumentParser
import BerthCore
import Configuration
import Foundation

/// A setting that has a flag, a variable and a key in the file of settings; the first that says anything wins.
enum Setting: String, CaseIterable {
    case databaseURL = "database.url"
    case dataDirectory = "data.dir"
    case logLevel = "log.level"
    case host
    case port
    case publicURL = "public.url"
    case connections
    case trustedProxies = "trusted.proxies"
    case connectionsPerAddress = "connections.per.address"
    case auditAt = "audit.at"
    case githubSecret = "github.secret"

    /// How a reader of settings asks for it.
    var key: ConfigKey { ConfigKey(rawValue) }

    /// What stands in the environment.
    var variable: String {
        "BERTH_" + rawValue.uppercased().replacing(".", with: "_")
    }

    /// Where it stands in the file that --config names: below `berth`, a level for each dot.
    var path: String { "berth.\(rawValue)" }

    /// What a flag does, and how else it is said.
    func help(_ text: String) -> String {
        "\(text) (\(variable), \(path))"
    }

    /// Throws for keys of a file of settings that nobody reads: one that is misspelt would go unnoticed.
    static func requireKnown(in file: String) throws {
        let data: Data
        do {
            data = try Data(contentsOf: URL(filePath: file))
        } catch {
            throw ValidationError("--config \(file) cannot be read: \(error.localizedDescription)")
        }
        guard let document = try? JSONSerialization.jsonObject(with: data) as? [String: Any] else {
            throw ValidationError("--config \(file) is no JSON object")
        }
        let known = allCases.map(\.path)
        for path in paths(in: document, below: "").sorted() where !known.contains(path) {
            let nearest = path.nearest(among: known).map { ": is \($0) meant?" } ?? ""
            throw ValidationError(
                "--config \(file): nobody reads \(path)\(nearest); there are "
                    + known.joined(separator: ", "))
        }
    }

    private static func paths(in object: [String: Any], below path: String) -> [String] {
        object.flatMap { name, value in
            let place = path.isEmpty ? name : "\(path).\(name)"
            guard let inner = value as? [String: Any] else { return [place] }
            return paths(in: inner, below: place)
        }
    }
}

extension ConfigReader {
    /// A text, of the variable or of the file.
    func string(_ setting: Setting, isSecret: Bool = false) -> String? {
        string(forKey: setting.key, isSecret: isSecret)
    }

    /// A number, of the variable or of the file. Throws for what is none.
    func int(_ setting: Setting) throws -> Int? {
        guard let number = int(forKey: setting.key) else {
            guard let text = string(setting) else { return nil }
            throw ValidationError("\(setting.variable) or \(setting.path): “\(text)” is no number")
        }
        return number
    }
}
