import BerthTestSupport
import Foundation
import Testing

@testable import PostgresCluster

@Suite(.gated) struct OpeningTests {
    @Test func `a first open makes a cluster that psql can use`() async throws {
        try await TestDirectory.lend { directory in
            let cluster = try await directory.open(exclusive: true)
            #expect(try await cluster.psql("SELECT current_database()") == "berth")
            #expect(try await cluster.psql("SHOW server_encoding") == "UTF8")
            #expect(try await cluster.psql("SHOW data_checksums") == "on")
            #expect(try await cluster.psql("SHOW listen_addresses") == "")
            #expect(try await cluster.psql("SHOW shared_buffers") == "256MB")
            await cluster.close()
            #expect(directory.postmaster == nil)
        }
    }

    @Test func `a long log is moved aside while the server goes on writing`() async throws {
        try await TestDirectory.lend { directory in
            let cluster = try await directory.open(exclusive: true)
            let log = cluster.logFile
            let file = try #require(FileHandle(forWritingAtPath: log))
            try file.seekToEnd()
            try file.write(contentsOf: Data(repeating: UInt8(ascii: "x"), count: 11_000_000))
            await cluster.postmaster.keepLogShort()
            #expect(DataDirectory.attributes(of: log)?.st_size == 0)
            let aside = try #require(DataDirectory.attributes(of: "\(log).1"))
            #expect(aside.st_size > 11_000_000)
            #expect(aside.st_mode & 0o777 == 0o600)
            // The server appends: what it says next stands at the beginning.
            try await cluster.psql("SELECT pg_reload_conf()")
            try await eventually("a line in the log") {
                DataDirectory.attributes(of: log).map { $0.st_size > 0 && $0.st_size < 10_000 }
                    ?? false
            }
            await cluster.postmaster.keepLogShort()
            #expect(DataDirectory.attributes(of: log)?.st_size != 0)
            await cluster.close()
        }
    }

    @Test func `data is kept over a restart`() async throws {
        try await TestDirectory.lend { directory in
            let first = try await directory.open(exclusive: true)
            try await first.psql("CREATE TABLE kept AS SELECT 42 AS answer")
            await first.close()
            let second = try await directory.open(exclusive: true)
            #expect(try await second.psql("SELECT answer FROM kept") == "42")
            await second.close()
        }
    }

    @Test func `settings of the caller win over the defaults but not over the socket`()
        async throws
    {
        try await TestDirectory.lend { directory in
            let cluster = try await directory.open(
                settings: ["max_connections": "17", "listen_addresses": "localhost"])
            #expect(try await cluster.psql("SHOW max_connections") == "17")
            #expect(try await cluster.psql("SHOW fsync") == "off")
            #expect(try await cluster.psql("SHOW listen_addresses") == "")
            await cluster.close()
        }
    }

    @Test(arguments: [String(repeating: "long/", count: 30) + "data", "it's, a \"data\" dir"])
    func `a path that no socket address can hold gets a private directory elsewhere`(
        name: String
    ) async throws {
        try await TestDirectory.lend(named: name) { directory in
            let cluster = try await directory.open()
            #expect(cluster.socketDirectory.hasPrefix("/tmp/berth-"))
            let found = try #require(DataDirectory.attributes(of: cluster.socketDirectory))
            #expect(found.st_mode & 0o777 == 0o700)
            #expect(try await cluster.psql("SELECT 1") == "1")
            await cluster.close()
        }
    }

    @Test func `the server has a session of its own, out of reach of our terminal`() async throws {
        try await TestDirectory.lend { directory in
            let cluster = try await directory.open()
            let pid = await cluster.processIdentifier
            #expect(getsid(pid) == pid)
            await cluster.close()
        }
    }

    @Test(.enabled(if: ServerAccount.weAreRoot))
    func `root drops to the postgres user and can still connect`() async throws {
        try await TestDirectory.lend { directory in
            let cluster = try await directory.open()
            let account = try ServerAccount.forDirectory(ownedBy: nil)
            let pid = await cluster.processIdentifier
            #expect(DataDirectory.attributes(of: "/proc/\(pid)")?.st_uid == account.uid)
            for path in [directory.path, directory.cluster, cluster.socketDirectory] {
                let found = try #require(DataDirectory.attributes(of: path))
                #expect(found.st_uid == account.uid && found.st_mode & 0o777 == 0o700, "\(path)")
            }
            #expect(try await cluster.psql("SELECT 1") == "1")
            await cluster.close()
        }
    }

    @Test func `an installation of the cluster's own version is found`() async throws {
        let installation = try await PostgresInstallation.find(majorVersion: 15)
        #expect(installation.majorVersion == 15)
    }
}
