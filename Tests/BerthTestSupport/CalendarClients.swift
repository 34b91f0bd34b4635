import Foundation
import Testing

/// Calendar clients that are not ours, from PyPI: installed once a machine into a folder of their own.
public enum CalendarClients {
    private static let packages = [
        "icalendar==7.3.0", "recurring-ical-events==3.8.2", "vdirsyncer==0.21.0", "khal==0.14.1",
    ]

    /// Where their programs are; nil where they cannot be had.
    public static let programs: String? = {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "berth-calendar-clients")
        let programs = folder.appending(path: "bin").path
        let done = folder.appending(path: "installed").path
        if FileManager.default.fileExists(atPath: done) { return programs }
        guard run("/usr/bin/env", ["python3", "-m", "venv", folder.path]).status == 0,
            run("\(programs)/pip", ["install", "--quiet"] + packages).status == 0
        else { return nil }
        guard FileManager.default.createFile(atPath: done, contents: nil) else { return nil }
        return programs
    }()

    /// Whether they can be had here.
    public static var areThere: Bool { programs != nil }

    /// What a Python program prints that has the text as its input; fails the test when it fails.
    public static func python(
        _ program: String, _ input: String, _ location: SourceLocation = #_sourceLocation
    ) throws -> String {
        let programs = try #require(programs)
        let result = run("\(programs)/python3", ["-c", program], input: input)
        try #require(result.status == 0, "\(result.errors)", sourceLocation: location)
        return result.output
    }

    /// Runs a program to its end.
    public static func run(
        _ program: String, _ arguments: [String], input: String = "",
        environment: [String: String] = [:]
    ) -> (status: Int32, output: String, errors: String) {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        // Files and no pipes: neither side can fill one while the other waits.
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "berth-client-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            let files = try ["in", "out", "err"].map { name in
                let file = folder.appending(path: name)
                try Data((name == "in" ? input : "").utf8).write(to: file)
                return try FileHandle(forUpdating: file)
            }
            (process.standardInput, process.standardOutput, process.standardError) =
                (files[0], files[1], files[2])
            try process.run()
            process.waitUntilExit()
            func text(_ name: String) throws -> String {
                String(decoding: try Data(contentsOf: folder.appending(path: name)), as: UTF8.self)
            }
            return (process.terminationStatus, try text("out"), try text("err"))
        } catch {
            return (127, "", "\(error)")
        }
    }
}
