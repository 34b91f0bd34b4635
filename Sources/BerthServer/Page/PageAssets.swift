import BerthCore
import Crypto
import Foundation
import HTTPTypes
import Hummingbird

/// The files of the page, kept in memory under one hash over all of them: `/assets/<hash>/timeline.js`. Relative
/// imports inherit the folder; another version is another folder, so a browser may keep each file for ever.
struct PageAssets: Sendable {
    private struct Asset: Sendable {
        var type: String
        var body: EncodedBody
    }

    /// The folder's name.
    let hash: String
    private let assets: [String: Asset]

    /// Modules that the page loads at once; their imports are among them.
    let modules: [String]

    private static let types = [
        "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8",
        "svg": "image/svg+xml",
    ]

    /// Where the files are in the program's bundle.
    static let folder = Bundle.module.bundleURL.appendingPathComponent("Assets")

    /// The files in the program's bundle.
    static let shared: PageAssets = {
        let files =
            (try? FileManager.default.contentsOfDirectory(
                at: folder, includingPropertiesForKeys: nil))
            ?? []
        let contents = files.compactMap { file in
            (try? Data(contentsOf: file)).map { (file.lastPathComponent, $0) }
        }
        return PageAssets(contents.sorted { $0.0 < $1.0 })
    }()

    private init(_ files: [(name: String, contents: Data)]) {
        var digest = SHA256()
        var assets: [String: Asset] = [:]
        for (name, contents) in files {
            digest.update(data: Data(name.utf8))
            digest.update(data: contents)
            guard let type = Self.types[String(name.split(separator: ".").last ?? "")] else {
                continue
            }
            assets[name] = Asset(type: type, body: EncodedBody(ByteBuffer(bytes: contents)))
        }
        hash = digest.finalize().prefix(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
            .joined()
        self.assets = assets
        modules = assets.keys.filter {
            $0.hasSuffix(".js") && !$0.hasSuffix("-worker.js") && $0 != "sign-in.js"
        }.sorted()
    }

    /// The path of a file.
    func path(_ name: String) -> String { "/assets/\(hash)/\(name)" }

    /// A page's head: its title, its styles, and the script that it begins with.
    func head(_ title: String, script: String? = nil, preloading modules: [String] = []) -> String {
        """
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(title.htmlEscaped) · Berth</title>
        <link rel="icon" href="\(path("icon.svg"))" type="image/svg+xml">
        <link rel="stylesheet" href="\(path("tokens.css"))">
        <link rel="stylesheet" href="\(path("page.css"))">
        \(modules.map { "<link rel=\"modulepreload\" href=\"\(path($0))\">" }.joined(separator: "\n"))
        \(script.map { "<script type=\"module\" src=\"\(path($0))\"></script>" } ?? "")
        </head>
        """
    }

    /// A file; nil for one that there is not, and for a folder of another version.
    func response(_ folder: String, _ name: String, accepting sent: HTTPFields) -> Response? {
        guard folder == hash, let asset = assets[name] else { return nil }
        return asset.body.response(
            [.contentType: asset.type, .cacheControl: "public, max-age=31536000, immutable"],
            accepting: sent)
    }
}
