import FoundationEssentials
import Glibc
import Logging

/// Makes the cluster of a data directory. Its callers hold `change.lock`.
struct ClusterCreation: Sendable {
    /// The database and the superuser of every cluster.
    static let database = "berth"

    private static let temporaryPrefix = "initdb-"

    let directory: DataDirectory
    let installation: PostgresInstallation
    let isDurable: Bool
    let logger: Logger

    /// Makes the cluster under a temporary name and renames it when it is complete and on disk, so
    /// that a crash at any moment leaves nothing that looks like a cluster. About 1.5 s.
    func create() async throws {
        await removeRemains()
        // A name of its own each time: an initdb that outlived our predecessor may still write.
        let temporary =
            "\(directory.path)/\(Self.temporaryPrefix)\(UInt64.random(in: 1...UInt64.max))"
        do {
            try await initialize(temporary)
            try configure(temporary)
            try await createDatabase(temporary)
            if isDurable { try await run("initdb", ["--sync-only", "-D", temporary]) }
            guard rename(temporary, directory.clusterPath) == 0 else {
                throw PostgresClusterError.system(
                    "rename", path: temporary, code: errno)
            }
        } catch {
            await removeRemains()
            throw error
        }
        if isDurable { syncDirectory() }
        logger.info(
            "created a PostgreSQL cluster", metadata: ["directory": "\(directory.path)"])
    }

    private func initialize(_ path: String) async throws {
        try await run(
            "initdb",
            [
                "-D", path, "-U", Self.database, "--encoding=UTF8", "--locale=C.UTF-8",
                "--data-checksums",
                // Trust is safe because only the socket's directory leads to the server: it is
                // 0700 and belongs to the account that PostgreSQL runs as, so that no other user
                // but root gets there. Peer authentication would lock out root, which Berth may be.
                "--auth-local=trust", "--auth-host=reject",
                // Everything is synced once, at the end.
                "--no-sync", "--no-instructions",
            ])
    }

    private func configure(_ path: String) throws {
        let file = "\(path)/postgresql.conf"
        let descriptor = open(file, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else {
            throw PostgresClusterError.system("open", path: file, code: errno)
        }
        defer { close(descriptor) }
        let bytes = Array(ClusterSettings.configuration.utf8)
        guard write(descriptor, bytes, bytes.count) == bytes.count else {
            throw PostgresClusterError.system("write", path: file, code: errno)
        }
    }

    /// In single-user mode, before the cluster has its name: with a server there would be a moment
    /// at which the cluster exists and its database does not.
    private func createDatabase(_ path: String) async throws {
        try await run(
            "postgres",
            // Without exit_on_error, a failed statement would still end in exit code 0.
            ["--single", "-D", path, "-F", "-c", "exit_on_error=on", "postgres"],
            input: "CREATE DATABASE \(Self.database)\n")
    }

    private func run(_ program: String, _ arguments: [String], input: String = "") async throws {
        let command = Command(
            executable: installation.program(program), arguments: arguments,
            account: directory.account)
        let outcome = try await command.run(input: input)
        guard outcome.succeeded else {
            throw PostgresClusterError.creationFailed(
                directory: directory.path, output: outcome.output)
        }
    }

    /// Removes what an interrupted creation left. As the account: root should not walk a tree that
    /// another user can change. What cannot be removed is in nobody's way.
    private func removeRemains() async {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
        let remains = names.filter { $0.hasPrefix(Self.temporaryPrefix) }
            .map { "\(directory.path)/\($0)" }
        guard !remains.isEmpty else { return }
        let command = Command(
            executable: "/bin/rm", arguments: ["-rf", "--"] + remains, account: directory.account)
        // Shielded: a cancelled creation cleans up too.
        await Task { _ = try? await command.run() }.value
    }

    private func syncDirectory() {
        let descriptor = open(directory.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }
}
