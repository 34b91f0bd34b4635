import BerthTestSupport
import Foundation
import Testing

/// The folder of one run of these tests. When this process ends, however that happens, a shell
/// kills what was started in it and removes it: it reads from a pipe that only this process holds.
enum Scratch {
    static let root = Task { () throws -> String in
        let path = "/tmp/berth-e2e-\(getpid())-\(UInt32.random(in: 1...UInt32.max))"
        // PostgreSQL, as another user than root, passes through.
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o755])
        let end = """
            cat; cd /; for p in $(cat \(path)/*.pid 2>/dev/null); do \
            grep -aq '^[^ ]*berth' /proc/$p/cmdline && kill -9 $p; done; \
            for p in $(head -qn1 \(path)/*/postgres/postmaster.pid 2>/dev/null); do \
            kill -CONT $p; kill -QUIT $p; done; rm -rf \(path)
            """
        guard popen("{ \(end); } >/dev/null 2>&1", "we") != nil else {
            throw Failure("cannot start a shell")
        }
        return path
    }

    /// A path in the folder at which there is nothing yet.
    static func path(_ name: String) async throws -> String {
        "\(try await root.value)/\(name)-\(UInt32.random(in: 1...UInt32.max))"
    }

    /// A file in the folder.
    static func file(_ name: String, _ text: String) async throws -> String {
        let path = try await path(name) + ".csv"
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        return path
    }
}

/// Runs blocking work on a thread of its own.
func onThread<Value: Sendable>(
    _ work: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Result { try work() }) }
    }
}
