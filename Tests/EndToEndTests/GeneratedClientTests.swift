import BerthTestSupport
import Foundation
import Testing

@Suite("A client that is generated from the contract", .gated)
struct GeneratedClientTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "GeneratedClient")

    @Test(
        "It has every operation, passes its type check, and books, edits, cancels and reports a change",
        .enabled("no PyPI here") { await PythonTools.clientGenerator.areThere })
    func generated() async throws {
        let tools = try #require(await PythonTools.clientGenerator.folder)
        let contract = Self.folder.deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "openapi.yaml")
        let output = try await Scratch.path("client")
        let made = await CalendarClients.run(
            "\(tools)/bin/openapi-python-client",
            [
                "generate", "--path", contract.path, "--output-path", output, "--config",
                Self.folder.appending(path: "generator.yaml").path,
            ])
        try #require(made.status == 0, "\(made.output)\(made.errors)")
        #expect(!made.output.contains("WARNING"), "\(made.output)")
        let operations = try String(contentsOf: contract, encoding: .utf8)
            .matches(of: #/operationId: (\w+)/#).count
        let modules = try FileManager.default.subpathsOfDirectory(
            atPath: "\(output)/berth_client/api"
        ).filter { $0.hasSuffix(".py") && !$0.hasSuffix("__init__.py") }
        #expect(modules.count == operations)
        let checked = await CalendarClients.run(
            "\(tools)/bin/mypy",
            ["--strict", "--cache-dir", "/dev/null", "\(output)/berth_client"])
        #expect(checked.status == 0, "\(checked.output)")

        try await Server.onDatabase { server, database in
            try await database.environment("uat-1")
            let input = ["url": "http://127.0.0.1:\(server.port)", "token": server.token]
            let used = await CalendarClients.run(
                "\(tools)/bin/python3", [Self.folder.appending(path: "use.py").path],
                input: String(decoding: try JSONEncoder().encode(input), as: UTF8.self),
                environment: ["PYTHONPATH": output])
            #expect(used.status == 0, "\(used.output)\(used.errors)")
            #expect(used.output.hasSuffix("done\n"), "\(used.output)")
        }
    }
}
