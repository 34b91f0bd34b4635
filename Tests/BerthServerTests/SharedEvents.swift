import Foundation
import NIOCore

/// The events of other projects in `../shared/data`, where that folder is.
enum SharedEvents {
    static let folder = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "shared/data")
    static let areThere = FileManager.default.fileExists(
        atPath: folder.appending(path: "cdevents").path)

    /// The names of CDEvents' conformance events, without `.json`.
    static var conformance: [String] {
        let files = try? FileManager.default.contentsOfDirectory(
            atPath: folder.appending(path: "cdevents").path)
        return (files ?? []).sorted().compactMap { file in
            file.hasSuffix(".json") ? String(file.dropLast(5)) : nil
        }
    }

    static func body(_ path: String) throws -> ByteBuffer {
        try ByteBuffer(bytes: Data(contentsOf: folder.appending(path: path)))
    }
}
