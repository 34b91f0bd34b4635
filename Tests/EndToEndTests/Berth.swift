import BerthTestSupport
import CProcess
import Foundation
import Synchronization

/// A process of the real program, `berth`.
final class Berth: Sendable {
    let pid: pid_t
    private let errorFile: String
    private let outputFile: String
    private let status = Mutex<Int32?>(nil)

    /// Starts it with the given arguments and variables (`NAME=value`); what it writes goes to files.
    init(_ arguments: [String], variables: [String] = []) async throws {
        let base = try await Scratch.path("berth")
        errorFile = "\(base).err"
        outputFile = "\(base).out"
        pid = try Self.spawn(
            [Self.executable()] + arguments, variables: variables, output: outputFile,
            error: errorFile)
        try "\(pid)\n".write(toFile: "\(base).pid", atomically: false, encoding: .utf8)
        let pid = pid
        Thread.detachNewThread {
            var status: Int32 = 0
            while waitpid(pid, &status, 0) == -1, errno == EINTR {}
            try? FileManager.default.removeItem(atPath: "\(base).pid")
            self.status.withLock { $0 = status }
        }
    }

    /// What it has written to standard output.
    var output: String { (try? String(contentsOfFile: outputFile, encoding: .utf8)) ?? "" }
    /// What it has written to standard error.
    var log: String { (try? String(contentsOfFile: errorFile, encoding: .utf8)) ?? "" }
    var hasEnded: Bool { status.withLock { $0 != nil } }

    /// How it ended: its exit code, or the negative of the signal that killed it.
    func exitCode(within limit: Duration = .seconds(30)) async throws -> Int32 {
        do {
            try await eventually("the end of berth", within: limit) { hasEnded }
        } catch {
            throw Failure("\(error)\n\(log)")
        }
        let status = status.withLock { $0 ?? 0 }
        return status & 0x7f == 0 ? (status >> 8) & 0xff : -(status & 0x7f)
    }

    func signal(_ signal: Int32) {
        if !hasEnded { kill(pid, signal) }
    }

    /// Runs a command to its end.
    static func run(_ arguments: String...) async throws -> Outcome {
        try await run(arguments)
    }

    static func run(_ arguments: [String], variables: [String] = []) async throws -> Outcome {
        let berth = try await Berth(arguments, variables: variables)
        let code = try await berth.exitCode(within: .seconds(60))
        return Outcome(
            code: code, output: berth.output.trimmingCharacters(in: .newlines), log: berth.log)
    }

    /// What a command that has ended left.
    struct Outcome {
        var code: Int32
        var output: String
        var log: String
    }

    /// The program that was built beside these tests.
    static func executable() throws -> String {
        let ours = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let path = URL(filePath: ours).deletingLastPathComponent().appending(path: "berth").path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw Failure("\(path) is not there")
        }
        return path
    }

    private static func spawn(
        _ line: [String], variables given: [String], output: String, error: String
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        let write = O_WRONLY | O_CREAT | O_TRUNC
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, write, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, error, write, 0o600)
        // A postmaster that lives on must hold nothing of ours.
        posix_spawn_file_actions_addclosefrom_np(&actions, 3)
        let strings = line.map { strdup($0) }
        defer { strings.forEach { free($0) } }
        // Variables of the machine's own Berth would change what is tested.
        let variables =
            ProcessInfo.processInfo.environment
            .filter { !$0.key.hasPrefix("BERTH_") || $0.key == "BERTH_POSTGRES_BIN" }
            .map { strdup("\($0.key)=\($0.value)") } + given.map { strdup($0) }
        defer { variables.forEach { free($0) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, line[0], &actions, nil, strings + [nil], variables + [nil])
        guard code == 0 else { throw Failure("cannot start \(line[0]): \(code)") }
        return pid
    }
}
