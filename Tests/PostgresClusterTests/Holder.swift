import Foundation
import Testing

@testable import PostgresCluster

/// Another process that uses a cluster: the executable `cluster-holder`.
struct Holder {
    enum Role: String {
        case exclusive
        case shared
    }

    let process: ProcessHandle
    private let input = Pipe()
    private let output = Pipe()

    init(_ directory: TestDirectory, _ role: Role) throws {
        let executable = try #require(
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        let products = URL(fileURLWithPath: executable).deletingLastPathComponent().path
        process = try Command(
            executable: "\(products)/cluster-holder", arguments: [directory.path, role.rawValue],
            account: .ourselves
        ).spawn(
            input: input.fileHandleForReading.fileDescriptor,
            output: output.fileHandleForWriting.fileDescriptor)
        try input.fileHandleForReading.close()
        try output.fileHandleForWriting.close()
    }

    /// The pid of the postmaster, once the holder has opened the cluster.
    func postmasterPID() async throws -> Int32 {
        let reading = output.fileHandleForReading
        // A blocking read belongs on a thread that may block.
        let data = await withCheckedContinuation { continuation in
            Thread.detachNewThread { continuation.resume(returning: reading.availableData) }
        }
        let line = String(decoding: data, as: UTF8.self)
        return try #require(
            line.split(whereSeparator: \.isWhitespace).last.flatMap { Int32($0) }, "\(line)")
    }

    /// Lets it close the cluster, and waits for its end.
    func finish() async throws {
        try input.fileHandleForWriting.close()
        try await end()
    }

    /// kill -9.
    func kill() async throws {
        process.send(SIGKILL)
        try await end()
    }

    private func end() async throws {
        try await process.waitForExit()
        process.reap()
    }
}
