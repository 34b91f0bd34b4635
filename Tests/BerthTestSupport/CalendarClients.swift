import Foundation
import Testing

/// Calendar clients that are not ours, from PyPI: installed once a machine into a folder of their own.
public enum CalendarClients {
    private static let tools = PythonTools(
        "berth-calendar-clients",
        [
            "icalendar==7.3.0", "recurring-ical-events==3.8.2", "vdirsyncer==0.21.0",
            "khal==0.14.1",
        ])

    /// The folder that holds them; nil where they cannot be had.
    public static var folder: String? {
        get async { await tools.folder }
    }

    /// Whether they can be had here.
    public static var areThere: Bool {
        get async { await tools.areThere }
    }

    /// What a Python program prints that has the text as its input; fails the test when it fails.
    public static func python(
        _ program: String, _ input: String, _ location: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let folder = try #require(await folder)
        let result = await run("\(folder)/bin/python3", ["-c", program], input: input)
        try #require(result.status == 0, "\(result.errors)", sourceLocation: location)
        return result.output
    }

    /// What a program that has ended left.
    public struct Outcome: Sendable {
        /// Its exit code; of one that was killed or never began, another number than 0.
        public var status: Int32
        /// What it wrote to standard output.
        public var output: String
        /// What it wrote to standard error.
        public var errors: String
    }

    /// Runs a program to its end.
    ///
    /// Not with Foundation's Process: it waits for the end of a socket that whatever another test starts at the same
    /// time inherits.
    public static func run(
        _ program: String, _ arguments: [String], input: String = "",
        environment: [String: String] = [:]
    ) async -> Outcome {
        let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        return await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    returning: finish([program] + arguments, input: input, variables: variables))
            }
        }
    }

    private static func finish(
        _ line: [String], input: String, variables: [String: String]
    ) -> Outcome {
        // Files and no pipes: neither side can fill one while the other waits.
        let base = FileManager.default.temporaryDirectory
            .appending(path: "berth-client-\(UUID().uuidString)").path
        let (source, output, errors) = ("\(base).in", "\(base).out", "\(base).err")
        defer { for file in [source, output, errors] { unlink(file) } }
        guard FileManager.default.createFile(atPath: source, contents: Data(input.utf8)) else {
            return Outcome(status: 127, output: "", errors: "\(source) cannot be written")
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, source, O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        let words = line.map { strdup($0) }
        let settings = variables.map { strdup("\($0.key)=\($0.value)") }
        defer { for text in words + settings { free(text) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, line[0], &actions, nil, words + [nil], settings + [nil])
        guard code == 0 else {
            return Outcome(status: 127, output: "", errors: "cannot start \(line[0]): \(code)")
        }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) == -1, errno == EINTR {}
        func text(_ file: String) -> String {
            (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
        }
        return Outcome(
            status: status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f),
            output: text(output), errors: text(errors))
    }
}
