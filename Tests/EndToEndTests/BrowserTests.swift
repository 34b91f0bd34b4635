import BerthCore
import BerthTestSupport
import Foundation
import Testing

@Suite("The page in a browser", .gated)
struct BrowserTests {
    @Test(
        "People sign in, book, are refused, move, release, find and read, by mouse and keyboard, without a complaint",
        .enabled("no Chromium or PyPI here") { await Browser.isThere })
    func flows() async throws {
        let postgres = try await TestServer.shared.value
        try await Server.onDatabase { server, database in
            let url = postgres.connectionString(database: database.name)
            try await fill(server)
            let tokens = try await ["booker", "manager"].asyncMap { role in
                let made = try await Berth.run(
                    "token", "create", "--name", "\(role)-1", "--role", role, "--team", "crm",
                    "--database-url", url)
                try #require(made.code == 0, "\(made.log)")
                return made.output
            }
            let input = [
                "url": "http://127.0.0.1:\(server.port)/", "booker": tokens[0],
                "manager": tokens[1], "chromium": Browser.program,
            ]
            let script = URL(filePath: #filePath).deletingLastPathComponent()
                .appending(path: "Browser/flows.py").path
            let steps = try await Browser.drive(
                script,
                input: String(decoding: JSONEncoder().encode(input), as: UTF8.self))
            #expect(steps.split(separator: "\n").last == "signed out")
        }
    }

    /// Environments that crm owns, one of which it lends by approval, and a booking of another team.
    private func fill(_ server: Server) async throws {
        for (key, tier) in [("uat-1", "uat"), ("uat-2", "uat"), ("uat-3", "other")] {
            let made = try await server.post(
                "/v1/environments", #"{"key":"\#(key)","tier":"\#(tier)","ownerTeam":"crm"}"#)
            try #require(made.status == 201, "\(made.text)")
        }
        let guarded = try await server.post(
            "/v1/environments",
            #"{"key":"uat-4","tier":"uat","ownerTeam":"crm","policy":{"approval":"manager"}}"#)
        try #require(guarded.status == 201, "\(guarded.text)")
        let start = RFC3339.string(Date().addingTimeInterval(6 * 86_400))
        let booked = try await server.post(
            "/v1/bookings",
            #"{"environments":["uat-3"],"startsAt":"\#(start)","minutes":600,"title":"Payday","team":"pay"}"#
        )
        try #require(booked.status == 201, "\(booked.text)")
    }
}

extension Sequence {
    /// Each element changed in turn.
    fileprivate func asyncMap<Value>(
        _ change: (Element) async throws -> Value
    ) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await change(element)) }
        return values
    }
}
