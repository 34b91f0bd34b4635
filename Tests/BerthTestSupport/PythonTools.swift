import Foundation

/// Programs from PyPI that are not ours, of fixed versions: installed once a machine into a folder of their own.
public struct PythonTools: Sendable {
    private let installation: Task<String?, Never>

    /// The tools of these packages, in a folder of that name.
    init(_ name: String, _ packages: [String]) {
        installation = Task {
            let folder = FileManager.default.temporaryDirectory.appending(path: name).path
            let done = "\(folder)/installed"
            if FileManager.default.fileExists(atPath: done) { return folder }
            let made = await CalendarClients.run("/usr/bin/env", ["python3", "-m", "venv", folder])
            guard made.status == 0,
                await CalendarClients.run(
                    "\(folder)/bin/pip", ["install", "--quiet"] + packages
                ).status == 0,
                FileManager.default.createFile(atPath: done, contents: nil)
            else { return nil }
            return folder
        }
    }

    /// The folder that holds them; nil where they cannot be had.
    public var folder: String? {
        get async { await installation.value }
    }

    /// Whether they can be had here.
    public var areThere: Bool {
        get async { await folder != nil }
    }
}

extension PythonTools {
    /// What makes a client of a contract, and what checks the types of that client.
    public static let clientGenerator = PythonTools(
        "berth-client-generator",
        [
            "openapi-python-client==0.29.1", "mypy==2.4.1", "types-python-dateutil==2.9.0.20261116",
            "httpx==0.28.1",
        ])
}
