import Foundation
import Testing

/// Debian's Chromium, driven by Playwright from PyPI: installed once a machine into a folder of its own.
public enum Browser {
    private static let packages = ["playwright==1.65.2", "axe-playwright-python==0.1.8"]
    /// The browser's program.
    public static let program = "/usr/bin/chromium"

    /// Whether it can be had here.
    public static var isThere: Bool {
        get async { await installation.value != nil }
    }

    /// What a Python program prints that drives the browser; fails the test when it fails.
    public static func drive(
        _ file: String, input: String, _ location: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let folder = try #require(await installation.value)
        let result = await CalendarClients.run("\(folder)/bin/python3", [file], input: input)
        try #require(
            result.status == 0, "\(result.output)\n\(result.errors)", sourceLocation: location)
        return result.output
    }

    private static let installation = Task<String?, Never> {
        guard FileManager.default.isExecutableFile(atPath: program) else { return nil }
        let folder = FileManager.default.temporaryDirectory.appending(path: "berth-browser").path
        let done = "\(folder)/installed"
        if FileManager.default.fileExists(atPath: done) { return folder }
        guard
            await CalendarClients.run("/usr/bin/env", ["python3", "-m", "venv", folder]).status
                == 0,
            await CalendarClients.run("\(folder)/bin/pip", ["install", "--quiet"] + packages).status
                == 0,
            FileManager.default.createFile(atPath: done, contents: nil)
        else { return nil }
        return folder
    }
}
