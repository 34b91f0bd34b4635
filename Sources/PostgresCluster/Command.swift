import CProcess
import Glibc

/// A program to run as the account that owns the cluster, cut off from our terminal, our
/// environment and our descriptors.
struct Command: Sendable {
    let executable: String
    let arguments: [String]
    let account: ServerAccount

    /// What a finished command left: how it ended, and all that it wrote.
    struct Outcome: Sendable {
        let status: ExitStatus?
        let output: String

        var succeeded: Bool { status == .code(0) }
    }

    /// Runs to its end with `input` as standard input. A cancelled task ends the program and
    /// throws.
    func run(input: String = "") async throws -> Outcome {
        // Files, not pipes: no reader is needed while it runs, and none can deadlock.
        let source = try ScratchFile(holding: input)
        let sink = try ScratchFile(holding: "")
        let process = try spawn(input: source.descriptor, output: sink.descriptor)
        do {
            try await process.waitForExit()
        } catch {
            process.send(SIGTERM)
            // Shielded from the cancellation: a child that nobody waits for stays a zombie.
            await Task { try? await process.waitForExit() }.value
            process.reap()
            throw error
        }
        return Outcome(status: process.reap(), output: sink.contents())
    }

    /// Starts the program in a session of its own. Descriptor `kept` goes to it as number 3.
    ///
    /// In its own session, neither Ctrl-C nor the closing of our terminal reaches it.
    func spawn(input: Int32, output: Int32, kept: Int32? = nil) throws -> ProcessHandle {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // Our working directory may be closed to the account, and must stay free to be unmounted.
        posix_spawn_file_actions_addchdir_np(&actions, "/")
        posix_spawn_file_actions_adddup2(&actions, input, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        if let kept { posix_spawn_file_actions_adddup2(&actions, kept, 3) }
        // A postmaster that outlives us must not keep our listening sockets open.
        posix_spawn_file_actions_addclosefrom_np(&actions, kept == nil ? 3 : 4)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        Self.detach(&attributes)

        let line = account.commandLine(executable: executable, arguments: arguments)
        var pid: pid_t = 0
        let code = withCStrings(line) { argv in
            withCStrings(Self.environment) { environment in
                posix_spawn(&pid, line[0], &actions, &attributes, argv, environment)
            }
        }
        guard code == 0 else {
            throw PostgresClusterError.system("start", path: line[0], code: code)
        }
        guard let process = ProcessHandle(pid: pid) else {
            throw PostgresClusterError.system("watch", path: line[0], code: errno)
        }
        return process
    }

    /// A variable such as PGPORT or PGDATA of our caller would change what PostgreSQL does. Its
    /// messages are read by people who run Berth, so they are not translated; and with TZ set,
    /// initdb does not try 600 time zones to find the machine's.
    private static let environment = [
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "TZ=UTC",
    ]

    private static func detach(_ attributes: inout posix_spawnattr_t) {
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        // Ignored signals stay ignored over exec, and our service group ignores SIGINT and SIGTERM.
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        let setSession: Int32 = 0x80  // POSIX_SPAWN_SETSID, hidden behind _GNU_SOURCE
        posix_spawnattr_setflags(
            &attributes,
            Int16(setSession | Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF)))
    }
}

/// Lends `strings` as the null-terminated array that exec expects.
private func withCStrings<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
    let copies = strings.map { strdup($0) }
    defer { copies.forEach { free($0) } }
    return body(copies + [nil])
}
