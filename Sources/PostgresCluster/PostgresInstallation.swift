import FoundationEssentials
import Glibc

/// PostgreSQL's server programs as installed on this machine.
public struct PostgresInstallation: Sendable, Equatable {
    /// The oldest major version that Berth runs on.
    public static let oldestMajorVersion = 15

    /// The directory that holds `postgres` and `initdb`.
    public let binDirectory: String
    /// 15 for any 15.x.
    public let majorVersion: Int

    /// Finds the programs: in `BERTH_POSTGRES_BIN` alone if set, else where `pg_config` of `PATH`
    /// points, else the highest version under `/usr/lib/postgresql`.
    ///
    /// With `majorVersion`, an installation of that version is preferred over a newer one, so that
    /// a cluster survives the arrival of the next PostgreSQL. Runs one or two programs, about 10
    /// ms.
    /// - Throws: `PostgresClusterError.installationNotFound` or `.installationUnusable`.
    public static func find(
        environment: [String: String] = ProcessInfo.processInfo.environment,
        majorVersion: Int? = nil
    ) async throws -> PostgresInstallation {
        if let chosen = environment["BERTH_POSTGRES_BIN"], !chosen.isEmpty {
            return try await explicit(chosen)
        }
        let candidates = try await candidates(path: environment["PATH"] ?? "")
        var best: PostgresInstallation?
        for candidate in candidates {
            guard let found = try await inspect(candidate),
                found.majorVersion >= oldestMajorVersion
            else { continue }
            guard let majorVersion, found.majorVersion != majorVersion else { return found }
            best = best ?? found
        }
        guard let best else {
            throw PostgresClusterError.installationNotFound(
                searched: candidates + ["/usr/lib/postgresql/*/bin"])
        }
        return best
    }

    /// The path of one of the programs.
    func program(_ name: String) -> String { "\(binDirectory)/\(name)" }

    private static func explicit(_ binDirectory: String) async throws -> PostgresInstallation {
        guard let found = try await inspect(binDirectory) else {
            throw PostgresClusterError.installationUnusable(
                binDirectory: binDirectory, reason: "postgres and initdb do not run there")
        }
        guard found.majorVersion >= oldestMajorVersion else {
            throw PostgresClusterError.installationUnusable(
                binDirectory: binDirectory, reason: "it holds PostgreSQL \(found.majorVersion)")
        }
        return found
    }

    private static func candidates(path: String) async throws -> [String] {
        var candidates: [String] = []
        let configs = path.split(separator: ":").map { "\($0)/pg_config" }
        if let config = configs.first(where: { access($0, X_OK) == 0 }),
            let directory = try await output(of: config, ["--bindir"])
        {
            candidates.append(directory)
        }
        let versioned =
            (try? FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql"))
        let versions = (versioned ?? []).compactMap(Int.init).sorted(by: >)
        candidates += versions.map { "/usr/lib/postgresql/\($0)/bin" }
            .filter { !candidates.contains($0) }
        return candidates
    }

    private static func inspect(_ binDirectory: String) async throws -> PostgresInstallation? {
        guard access("\(binDirectory)/initdb", X_OK) == 0,
            access("\(binDirectory)/postgres", X_OK) == 0,
            // postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)
            let line = try await output(of: "\(binDirectory)/postgres", ["-V"]),
            let version = line.split(separator: " ").first(where: { $0.first?.isNumber == true }),
            let major = Int(version.prefix(while: \.isNumber))
        else { return nil }
        return PostgresInstallation(binDirectory: binDirectory, majorVersion: major)
    }

    /// What a program prints, nil when it fails. Run as ourselves: it reads no cluster.
    private static func output(of executable: String, _ arguments: [String]) async throws -> String?
    {
        let command = Command(
            executable: executable, arguments: arguments, account: .ourselves)
        let outcome = try await command.run()
        guard outcome.succeeded else { return nil }
        return outcome.output.split(separator: "\n").first.map(String.init)
    }
}
