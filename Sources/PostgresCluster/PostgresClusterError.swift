import Glibc

/// Why a cluster could not be opened. Each description names the fault and what to do about it.
public enum PostgresClusterError: Error, Sendable, Equatable {
    /// No PostgreSQL 15 or newer in any of the directories that were looked at.
    case installationNotFound(searched: [String])
    /// The directory that `BERTH_POSTGRES_BIN` names does not hold a PostgreSQL that Berth can use.
    case installationUnusable(binDirectory: String, reason: String)
    /// Another server runs on the directory; its pid, where known.
    case inUse(directory: String, by: Int32?)
    /// The directory holds something that is not Berth's.
    case foreignDirectory(String, contains: String)
    /// The cluster was made by another major version of PostgreSQL than the installed one.
    case wrongVersion(directory: String, cluster: String, installed: Int)
    /// The account that PostgreSQL runs as may not pass through `blockedAt`.
    case unreachable(directory: String, blockedAt: String, account: String)
    /// The directory cannot be made or written.
    case notWritable(directory: String, reason: String)
    /// The system user is missing from the password file.
    case noAccount(String)
    /// The socket directory exists and is not safely ours.
    case socketDirectoryTaken(String, reason: String)
    /// The cluster's files are missing or incomplete.
    case damaged(directory: String, reason: String)
    /// Processes of the cluster still run, without a postmaster that can be seen from here.
    case stillHeld(directory: String)
    /// A postmaster that Berth did not start runs on the cluster.
    case startedByOthers(directory: String, pid: Int32)
    /// initdb failed; what it wrote.
    case creationFailed(directory: String, output: String)
    /// PostgreSQL did not start; the end of what it logged.
    case startFailed(directory: String, log: String)
    /// A call to the operating system failed, with its errno.
    case system(_ operation: String, path: String, code: Int32)
}

extension PostgresClusterError: CustomStringConvertible {
    /// The fault and its remedy, in full sentences.
    public var description: String {
        switch self {
        case .installationNotFound, .installationUnusable, .noAccount:
            descriptionOfMissing
        case .foreignDirectory, .unreachable, .notWritable, .socketDirectoryTaken, .system:
            descriptionOfFiles
        case .inUse, .wrongVersion, .damaged, .stillHeld, .startedByOthers, .creationFailed,
            .startFailed:
            descriptionOfCluster
        }
    }

    private var descriptionOfMissing: String {
        switch self {
        case .installationNotFound(let searched):
            """
            PostgreSQL 15 or newer was not found; looked at \(searched.joined(separator: ", ")). \
            Install it (Debian: apt install postgresql), set BERTH_POSTGRES_BIN to the directory \
            that holds initdb, or use an existing server with --database-url.
            """
        case .installationUnusable(let binDirectory, let reason):
            """
            BERTH_POSTGRES_BIN is \(binDirectory), but \(reason). Set it to the directory that \
            holds initdb and postgres of PostgreSQL 15 or newer, or unset it.
            """
        case .noAccount(let name):
            """
            PostgreSQL refuses to run as root, and there is no system user \(name) to run it as. \
            Create the user, or run Berth as an ordinary user.
            """
        default: ""
        }
    }

    private var descriptionOfFiles: String {
        switch self {
        case .foreignDirectory(let directory, let contains):
            """
            \(directory) is not a data directory of Berth: it contains \(contains). \
            Give --data-dir an empty directory, or one that does not exist yet.
            """
        case .unreachable(let directory, let blockedAt, let account):
            """
            PostgreSQL runs as user \(account), who may not pass through \(blockedAt) to reach \
            \(directory). Choose a directory such as /var/lib/berth, or allow the passage with: \
            chmod o+x \(blockedAt)
            """
        case .notWritable(let directory, let reason):
            """
            The data directory \(directory) cannot be written: \(reason). Make it writable for \
            the user who runs Berth, or choose another with --data-dir.
            """
        case .socketDirectoryTaken(let path, let reason):
            """
            The directory of PostgreSQL's socket, \(path), \(reason). Remove it after a look at \
            who made it, or choose a shorter --data-dir.
            """
        case .system(let operation, let path, let code):
            "Could not \(operation) \(path): \(String(cString: strerror(code)))."
        default: ""
        }
    }

    private var descriptionOfCluster: String {
        switch self {
        case .inUse(let directory, let pid):
            """
            Another Berth server\(pid.map { " (pid \($0))" } ?? "") runs on \(directory). \
            Stop it first\(pid.map { " (kill \($0))" } ?? ""), or choose another --data-dir.
            """
        case .wrongVersion(let directory, let cluster, let installed):
            """
            The cluster in \(directory) was made by PostgreSQL \(cluster), but PostgreSQL \
            \(installed) is installed. Install PostgreSQL \(cluster) beside it, or move the data \
            with pg_upgrade.
            """
        case .damaged(let directory, let reason):
            "The cluster in \(directory) is damaged: \(reason). Restore it from a backup."
        case .stillHeld(let directory):
            """
            PostgreSQL processes of \(directory) still run, but no postmaster can be seen: either \
            a killed server's last query has not ended, or the server runs in another container. \
            Wait for the first; for the second, run the command inside that container.
            """
        case .startedByOthers(let directory, let pid):
            """
            A PostgreSQL server that Berth did not start (pid \(pid)) runs on \(directory). \
            Stop it with: pg_ctl -D \(directory)/postgres stop
            """
        case .creationFailed(let directory, let output):
            "A PostgreSQL cluster could not be made in \(directory):\n\(output)"
        case .startFailed(let directory, let log):
            """
            PostgreSQL did not start in \(directory). The end of \(directory)/postgres.log:
            \(log)
            """
        default: ""
        }
    }
}
