import Foundation
import Testing

/// Debian's Chromium, driven by Playwright from PyPI: installed once a machine into a folder of its own.
public enum Browser {
    private static let tools = PythonTools(
        "berth-browser", ["playwright==1.65.2", "axe-playwright-python==0.1.8"])
    /// The browser's program.
    public static let program = "/usr/bin/chromium"

    /// Whether it can be had here.
    public static var isThere: Bool {
        get async {
            guard FileManager.default.isExecutableFile(atPath: program) else { return false }
            return await tools.areThere
        }
    }

    /// What a Python program prints that drives the browser; fails the test when it fails.
    public static func drive(
        _ file: String, input: String, _ location: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let folder = try #require(await tools.folder)
        let result = await CalendarClients.run("\(folder)/bin/python3", [file], input: input)
        try #require(
            result.status == 0, "\(result.output)\n\(result.errors)", sourceLocation: location)
        return result.output
    }
}
