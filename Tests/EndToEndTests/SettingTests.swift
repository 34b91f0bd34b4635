import BerthTestSupport
import Foundation
import Testing

@Suite("Settings", .gated)
struct SettingTests {
    private func file(_ text: String) async throws -> String {
        try await Scratch.file("settings", text)
    }

    @Test("A key of the file that nobody reads is refused, with the nearest that there is")
    func unknown() async throws {
        let path = try await file(#"{"berth":{"port":0,"public":{"ulr":"https://example.org"}}}"#)
        let refused = try await Berth.run(
            "serve", "--config", path, "--data-dir", try await Scratch.path("data"))
        #expect(refused.code == 2)
        #expect(
            refused.log.contains("nobody reads berth.public.ulr: is berth.public.url meant?"),
            "\(refused.log)")
        let none = try await Berth.run("token", "list", "--config", try await file("[1]"))
        #expect(none.code == 2 && none.log.contains("is no JSON object"), "\(none.log)")
        let text = try await Berth.run(
            "serve", "--config", try await file(#"{"berth":{"port":"http"}}"#), "--data-dir",
            try await Scratch.path("data"))
        #expect(text.code == 2 && text.log.contains("“http” is no number"), "\(text.log)")
    }

    @Test("The file is read after the flags and the variables")
    func order() async throws {
        let path = try await file(#"{"berth":{"data":{"dir":"/nowhere/file"}}}"#)
        for (arguments, variables, directory) in [
            (
                ["--data-dir", "/nowhere/flag"], ["BERTH_DATA_DIR=/nowhere/variable"],
                "/nowhere/flag"
            ),
            ([], ["BERTH_DATA_DIR=/nowhere/variable"], "/nowhere/variable"),
            ([], [], "/nowhere/file"),
        ] {
            let told = try await Berth.run(
                ["token", "list", "--config", path] + arguments, variables: variables)
            #expect(told.code == 2 && told.log.contains("in \(directory):"), "\(told.log)")
        }
    }

    @Test(
        "The help of serve names the flag, the variable and the key of every setting that docs/settings.md lists"
    )
    func help() async throws {
        let table = try String(
            contentsOf: URL(filePath: #filePath).deletingLastPathComponent()
                .deletingLastPathComponent().deletingLastPathComponent()
                .appending(path: "docs/settings.md"), encoding: .utf8)
        let help = try await Berth.run("serve", "--help").output
        let words = table.split(separator: "\n").filter {
            $0.contains("`BERTH_") && $0.hasPrefix("|")
        }
        .flatMap { $0.split(separator: "|").prefix(3) }
        .flatMap { $0.matches(of: #/`([^`]+)`/#).map { String($0.output.1) } }
        #expect(words.count == 32)
        for word in words { #expect(help.contains(word), "\(word)") }
    }
}
