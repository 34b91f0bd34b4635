import Foundation
import Testing

@testable import BerthServer

@Suite("Colours of the page")
struct ContrastTests {
    /// Text and what it stands on.
    private static let texts: [(String, String)] =
        [
            ("ink", "ground"), ("ink", "sunken"), ("ink", "raised"), ("ink-2", "ground"),
            ("ink-2", "sunken"), ("ink-3", "ground"), ("ink-3", "sunken"), ("ink-3", "raised"),
            ("mine-ink", "mine-soft"), ("mine-ink", "ground"), ("other-ink", "other-soft"),
            ("other-ink", "ground"), ("done-ink", "done-soft"), ("full-ink", "mine-full"),
            ("full-ink", "other-full"), ("bad-ink", "bad-soft"), ("warn-ink", "warn-soft"),
            ("good-ink", "good-soft"), ("freeze-ink", "freeze-soft"), ("stop-ink", "stop-soft"),
        ] + (1...8).flatMap { [("other-ink", "hue-\($0)-soft"), ("full-ink", "hue-\($0)-full")] }

    /// Edges and marks, and what they stand on.
    private static let edges: [(String, String)] =
        [
            ("mine", "ground"), ("other", "ground"), ("bad", "ground"), ("warn", "ground"),
            ("good", "ground"), ("freeze", "ground"), ("stop", "ground"), ("focus", "ground"),
            ("mine", "mine-soft"), ("other", "other-soft"), ("line-strong", "ground"),
        ] + (1...8).flatMap { [("hue-\($0)", "ground"), ("hue-\($0)", "hue-\($0)-soft")] }

    @Test(
        "Text has a contrast of 4.5 and edges one of 3, in light and dark (WCAG 2.2, 1.4.3 and 1.4.11)"
    )
    func contrast() throws {
        let colours = try tokens()
        for place in 0...1 {
            for (pairs, least) in [(Self.texts, 4.5), (Self.edges, 3.0)] {
                for (front, back) in pairs {
                    let one = try #require(colours[front]?[place], "--\(front)")
                    let other = try #require(colours[back]?[place], "--\(back)")
                    let ratio = (max(one, other) + 0.05) / (min(one, other) + 0.05)
                    #expect(
                        ratio >= least, "--\(front) on --\(back), \(place == 0 ? "light" : "dark")")
                }
            }
        }
    }

    /// The luminance of each colour of tokens.css, in light and in dark.
    private func tokens() throws -> [String: [Double]] {
        let file = PageAssets.folder.appending(path: "tokens.css")
        let colour =
            #/--([a-z0-9-]+): (?:light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)|(#[0-9a-f]{6}));/#
        return try String(contentsOf: file, encoding: .utf8).matches(of: colour).reduce(into: [:]) {
            let both =
                $1.output.4.map { [$0, $0] } ?? [$1.output.2, $1.output.3].compactMap { $0 }
            $0[String($1.output.1)] = both.map(luminance)
        }
    }

    private func luminance(_ hex: Substring) -> Double {
        let number = Int(hex.dropFirst(), radix: 16) ?? 0
        let parts = [16, 8, 0].map { shift in
            let part = Double((number >> shift) & 255) / 255
            return part <= 0.04045 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4)
        }
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    }
}
