import BerthTestSupport
import Foundation

/// A `berth serve`, and where its database is.
struct Server: Sendable {
    let berth: Berth
    let port: Int
    let token: String
    let database: [String]

    /// Starts a server and makes an admin's token, or takes the one that there is.
    static func start(
        _ database: [String], token: String? = nil, _ options: [String] = []
    ) async throws -> Server {
        let berth = try await Berth(["serve", "--port", "0"] + database + options)
        let port = try await Self.port(of: berth)
        let made: String
        if let token {
            made = token
        } else {
            let command = try await Berth.run(
                ["token", "create", "--name", "e2e", "--role", "admin", "--team", "crm"] + database)
            guard command.code == 0 else { throw Failure(command.log) }
            made = command.output
        }
        return Server(berth: berth, port: port, token: made, database: database)
    }

    /// Serves for one test from a data directory of its own.
    static func inDirectory(
        _ body: (Server, String) async throws -> Void
    ) async throws {
        let directory = try await Scratch.path("data")
        let server = try await start(["--data-dir", directory])
        try await body(server, directory)
        server.berth.signal(SIGTERM)
        _ = try await server.berth.exitCode()
    }

    /// Serves for one test from a database of its own on the tests' PostgreSQL.
    static func onDatabase(
        _ options: [String] = [], _ body: @Sendable (Server, TestDatabase) async throws -> Void
    ) async throws {
        let postgres = try await TestServer.shared.value
        try await TestDatabase.with { database in
            let server = try await start(
                ["--database-url", postgres.connectionString(database: database.name)], options)
            try await body(server, database)
            server.berth.signal(SIGTERM)
            _ = try await server.berth.exitCode()
        }
    }

    /// The port that a server says it listens on.
    static func port(of berth: Berth) async throws -> Int {
        var port: Int?
        do {
            try await eventually("berth serves", within: .seconds(60)) {
                let address = berth.log.range(
                    of: #"http://127\.0\.0\.1:[0-9]+"#, options: .regularExpression)
                port = address.flatMap { Int(berth.log[$0].split(separator: ":").last ?? "") }
                return port != nil || berth.hasEnded
            }
        } catch {
            throw Failure("\(error)\n\(berth.log)")
        }
        guard let port else { throw Failure("berth ended:\n\(berth.log)") }
        return port
    }

    /// One request on a connection of its own.
    func answer(to call: Call) async throws -> Answer {
        let port = port
        return try await onThread { try Connection(port: port).answer(to: call) }
    }

    func get(_ path: String) async throws -> Answer {
        try await answer(to: .get(path, token))
    }

    func post(_ path: String, _ body: String, key: String? = nil) async throws -> Answer {
        try await answer(to: .post(path, token, body, key: key))
    }

    /// Makes environments.
    func make(_ keys: [String]) async throws {
        for key in keys {
            let made = try await post("/v1/environments", #"{"key":"\#(key)"}"#)
            guard made.status == 201 else { throw Failure("\(key): \(made.status) \(made.text)") }
        }
    }

    /// Where every booking is: environment and start, by reference.
    func bookings() async throws -> [String: String] {
        var found: [String: String] = [:]
        var path: String? = "/v1/bookings?limit=200"
        while let next = path {
            let page = try await get(next)
            guard page.status == 200, let items = page.json["items"] as? [[String: Any]] else {
                throw Failure("\(page.status) \(page.text)")
            }
            for item in items {
                guard let reference = item["reference"] as? String,
                    let environments = item["environments"] as? [String],
                    let start = item["startsAt"] as? String
                else { throw Failure("\(item)") }
                found[reference] = "\(environments[0]) \(start)"
            }
            let cursor = page.json["nextCursor"] as? String
            path = cursor.map { "/v1/bookings?limit=200&cursor=\($0)" }
        }
        return found
    }

    /// Whether the server can serve.
    func isReady() async throws -> Bool {
        try await answer(to: .get("/readyz")).status == 200
    }
}

/// The postmaster of a data directory.
func postmaster(of directory: String) throws -> pid_t {
    let file = try String(contentsOfFile: "\(directory)/postgres/postmaster.pid", encoding: .utf8)
    guard let pid = pid_t(file.prefix { $0.isNumber }) else { throw Failure(file) }
    return pid
}

/// A process and those it started, as `/proc` tells.
func family(of parent: pid_t) throws -> [pid_t] {
    let children = try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap {
        name -> pid_t? in
        guard let pid = pid_t(name),
            let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let after = stat.lastIndex(of: ")")
        else { return nil }
        let fields = stat[after...].split(separator: " ")
        return fields.count > 2 && pid_t(fields[2]) == parent ? pid : nil
    }
    return [parent] + children
}
