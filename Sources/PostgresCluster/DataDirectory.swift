import FoundationEssentials
import Glibc

/// The directory that Berth keeps its cluster in, and what lies where inside.
///
///     berth.lock     held by the server for its life; its presence marks the directory as Berth's
///     change.lock    held while the cluster is made, started or stopped
///     users.lock     shared by all who use the cluster; who gets it alone is the last one out
///     running.lock   inherited by the postmaster and all its children
///     postgres/      the cluster, complete from the moment that it bears this name
///     socket/        PostgreSQL's socket, unless the path is too long
///     postgres.log   what PostgreSQL writes
struct DataDirectory: Sendable, Equatable {
    /// Absolute, without symbolic links.
    let path: String
    let account: ServerAccount

    var clusterPath: String { "\(path)/postgres" }
    var logPath: String { "\(path)/postgres.log" }
    var socketDirectory: SocketDirectory { SocketDirectory(dataDirectory: path) }

    func lock(_ name: LockName) throws -> FileLock {
        try FileLock(
            path: "\(path)/\(name.rawValue).lock", account: account, isBequeathed: name == .running)
    }

    enum LockName: String {
        case server = "berth"
        case change, users, running
    }

    /// The major version that made the cluster, as its file `PG_VERSION` says; nil without one.
    func clusterVersion() throws -> String? {
        guard access(clusterPath, F_OK) == 0 else { return nil }
        let text = readFile("\(clusterPath)/PG_VERSION") ?? ""
        guard let version = text.split(whereSeparator: \.isWhitespace).first else {
            throw PostgresClusterError.damaged(
                directory: path, reason: "\(clusterPath)/PG_VERSION is missing or empty")
        }
        return String(version)
    }

    /// Takes the directory for Berth: makes it with its missing parents, or checks that it is ours
    /// or empty, and gives it to the account that PostgreSQL runs as.
    static func claim(_ given: String) async throws -> DataDirectory {
        let (existing, missing) = try locate(given)
        let path = ([existing == "/" ? "" : existing] + missing).joined(separator: "/")
        let account = try ServerAccount.forDirectory(
            ownedBy: missing.isEmpty ? attributes(of: existing)?.st_uid : nil)
        let directory = DataDirectory(path: path, account: account)
        try await directory.checkReach(to: existing)
        try directory.make(missing, below: existing)
        if try directory.isUnclaimed() { try directory.takeOwnership() }
        try directory.checkWritable()
        _ = try directory.lock(.server)
        return directory
    }

    /// Splits a path into what exists, resolved, and the components that do not exist yet.
    private static func locate(_ given: String) throws -> (existing: String, missing: [String]) {
        guard !given.isEmpty else {
            throw PostgresClusterError.notWritable(directory: "", reason: "its name is empty")
        }
        var existing = given.hasPrefix("/") ? given : "./\(given)"
        var missing: [String] = []
        while true {
            if let resolved = realpath(existing, nil) {
                defer { free(resolved) }
                return (String(cString: resolved), missing)
            }
            guard errno == ENOENT else {
                throw PostgresClusterError.notWritable(
                    directory: given, reason: String(cString: strerror(errno)))
            }
            while existing.count > 1, existing.hasSuffix("/") { existing.removeLast() }
            let cut = existing.lastIndex(of: "/") ?? existing.startIndex
            missing.insert(String(existing[existing.index(after: cut)...]), at: 0)
            existing = cut == existing.startIndex ? "/" : String(existing[..<cut])
        }
    }

    private func make(_ missing: [String], below existing: String) throws {
        var made = existing == "/" ? "" : existing
        for (index, component) in missing.enumerated() {
            made += "/\(component)"
            // The parents stay passable, whatever the umask: the account has to get through.
            let mode: mode_t = index == missing.count - 1 ? 0o700 : 0o755
            if mkdir(made, mode) == 0 {
                chmod(made, mode)
            } else if errno != EEXIST {
                throw PostgresClusterError.notWritable(
                    directory: path, reason: "\(made): \(String(cString: strerror(errno)))")
            }
        }
    }

    /// Whether the directory is empty; throws when it holds something that is not Berth's.
    private func isUnclaimed() throws -> Bool {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: path)
        } catch {
            throw notWritable("it cannot be listed by user \(ServerAccount.ourselves.name)")
        }
        if names.contains("berth.lock") { return false }
        if names.contains("PG_VERSION") {
            throw PostgresClusterError.foreignDirectory(
                path, contains: "a PostgreSQL cluster that Berth did not make")
        }
        // A freshly formatted volume holds lost+found.
        if let foreign = names.sorted().first(where: { $0 != "lost+found" }) {
            throw PostgresClusterError.foreignDirectory(path, contains: foreign)
        }
        return true
    }

    private func takeOwnership() throws {
        guard !account.mustDrop || chown(path, account.uid, account.gid) == 0,
            chmod(path, 0o700) == 0
        else { throw notWritable(String(cString: strerror(errno))) }
    }

    private func checkWritable() throws {
        guard access(path, R_OK | W_OK | X_OK) == 0 else {
            throw notWritable(String(cString: strerror(errno)))
        }
        guard let owner = Self.attributes(of: path)?.st_uid, owner != account.uid else { return }
        throw notWritable(
            """
            it belongs to uid \(owner), but PostgreSQL runs as \(account.name) \
            (chown -R \(account.name) \(path))
            """)
    }

    private func notWritable(_ reason: String) -> PostgresClusterError {
        .notWritable(directory: path, reason: reason)
    }

    /// What lstat says; nil when there is nothing.
    static func attributes(of path: String) -> stat? {
        var attributes = stat()
        return lstat(path, &attributes) == 0 ? attributes : nil
    }
}
