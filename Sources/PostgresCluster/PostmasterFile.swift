import Glibc

/// What a postmaster writes into `postmaster.pid` about itself.
struct PostmasterFile: Sendable, Equatable {
    enum Status: Equatable {
        case starting
        case stopping
        case ready
    }

    let pid: pid_t
    let socketDirectory: String
    let status: Status

    static func path(in cluster: String) -> String { "\(cluster)/postmaster.pid" }

    /// Nil when there is no such file, or one whose writer did not get further than the first
    /// lines.
    init?(cluster: String) {
        guard let text = readFile(Self.path(in: cluster)) else { return nil }
        self.init(text: text)
    }

    /// The lines: pid, data directory, start time, port, socket directory, listen address, shared
    /// memory, status.
    init?(text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let first = lines.first, let pid = pid_t(first), pid > 0 else { return nil }
        self.pid = pid
        socketDirectory = lines.count > 4 ? String(lines[4]) : ""
        let word = lines.count > 7 ? lines[7].prefix { $0 != " " } : ""
        status =
            switch word {
            case "ready", "standby": .ready
            case "stopping": .stopping
            default: .starting
            }
    }

    /// The process that the file names, if it runs and is a postmaster of this cluster, rather than
    /// one that was given the pid of a dead one.
    ///
    /// Judged by its command line, which all can read; `/proc/PID/exe` and `cwd` of another user's
    /// process stay closed to root in a container without CAP_SYS_PTRACE.
    func runningPostmaster(of cluster: String) -> ProcessHandle? {
        // The handle first: if the pid changes hands afterwards, the handle says so.
        guard let process = ProcessHandle(pid: pid),
            let line = readFile("/proc/\(pid)/cmdline"),
            Self.isPostmaster(line.split(separator: "\0").map(String.init), of: cluster),
            !process.hasExited
        else { return nil }
        return process
    }

    private static func isPostmaster(_ arguments: [String], of cluster: String) -> Bool {
        // A child's title is "postgres: checkpointer", so only a postmaster is called just that.
        guard let name = arguments.first?.split(separator: "/").last,
            name == "postgres" || name == "postmaster"
        else { return false }
        guard let flag = arguments.firstIndex(of: "-D"), flag + 1 < arguments.count else {
            // Started by PGDATA: cannot be told apart, and a running one must never be overlooked.
            return true
        }
        guard let theirs = identity(arguments[flag + 1]), let ours = identity(cluster) else {
            return arguments[flag + 1] == cluster
        }
        return theirs == ours
    }

    private static func identity(_ path: String) -> [UInt64]? {
        var attributes = stat()
        guard stat(path, &attributes) == 0 else { return nil }
        return [UInt64(attributes.st_dev), UInt64(attributes.st_ino)]
    }
}
