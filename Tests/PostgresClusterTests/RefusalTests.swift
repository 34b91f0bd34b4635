import BerthTestSupport
import Foundation
import Testing

@testable import PostgresCluster

@Suite(.gated) struct RefusalTests {
    @Test func `a directory with something else in it is refused and left alone`() async throws {
        try await TestDirectory.lend { directory in
            try TestDirectory.make(directory.path)
            try "mine".write(
                toFile: "\(directory.path)/letter.txt", atomically: false, encoding: .utf8)
            let error = try await directory.refusal()
            #expect(error == .foreignDirectory(directory.path, contains: "letter.txt"))
            #expect(directory.names == ["letter.txt"])
            #expect(DataDirectory.attributes(of: directory.path)?.st_uid == geteuid())
        }
    }

    @Test func `a cluster that Berth did not make is refused`() async throws {
        try await TestDirectory.lend { directory in
            try TestDirectory.make(directory.path)
            try "15\n".write(
                toFile: "\(directory.path)/PG_VERSION", atomically: false, encoding: .utf8)
            let error = try #require(try await directory.refusal())
            #expect("\(error)".contains("a PostgreSQL cluster that Berth did not make"))
        }
    }

    @Test func `a cluster of another major version is refused with a way out`() async throws {
        try await TestDirectory.lend { directory in
            await (try await directory.open()).close()
            try "9\n".write(
                toFile: "\(directory.cluster)/PG_VERSION", atomically: false, encoding: .utf8)
            let error = try #require(try await directory.refusal())
            guard case .wrongVersion(_, "9", let installed) = error else {
                Issue.record(error)
                return
            }
            #expect("\(error)".contains("PostgreSQL \(installed)"))
            #expect("\(error)".contains("pg_upgrade"))
        }
    }

    @Test func `a server that does not start shows the end of its log`() async throws {
        try await TestDirectory.lend { directory in
            await (try await directory.open()).close()
            let error = try await directory.refusal(settings: ["shared_buffers": "plenty"])
            guard case .startFailed(directory.path, let log) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(log.contains("plenty"))
            #expect(try await directory.refusal() == nil)
        }
    }

    @Test(.enabled(if: ServerAccount.weAreRoot))
    func `a directory that the postgres user cannot reach is refused by what blocks it`()
        async throws
    {
        try await TestDirectory.lend(named: "closed/data") { directory in
            let closed = String(directory.path.dropLast("/data".count))
            try TestDirectory.make(closed, mode: 0o700)
            let error = try #require(try await directory.refusal())
            guard case .unreachable(directory.path, closed, _) = error else {
                Issue.record(error)
                return
            }
            #expect("\(error)".contains("chmod o+x \(closed)"))
            #expect(!FileManager.default.fileExists(atPath: directory.path))
        }
    }

    @Test func `a socket directory that others can enter is refused`() async throws {
        try await TestDirectory.lend(named: String(repeating: "x", count: 120)) { directory in
            let socket = SocketDirectory(dataDirectory: directory.path).path
            try TestDirectory.make(socket, mode: 0o777)
            let error = try #require(try await directory.refusal())
            guard case .socketDirectoryTaken(socket, _) = error else {
                Issue.record(error)
                return
            }
        }
    }

    @Test func `a file in place of the directory is refused`() async throws {
        try await TestDirectory.lend { directory in
            try "".write(toFile: directory.path, atomically: false, encoding: .utf8)
            guard case .notWritable = try await directory.refusal() else {
                Issue.record("was accepted")
                return
            }
        }
    }

    @Test func `an installation that is not there is named`() async throws {
        try await TestDirectory.lend { directory in
            let error = try #require(
                try await directory.refusal(environment: ["BERTH_POSTGRES_BIN": "/nowhere"]))
            #expect("\(error)".contains("BERTH_POSTGRES_BIN is /nowhere"))
        }
    }
}
