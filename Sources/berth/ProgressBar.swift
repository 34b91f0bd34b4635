import Foundation

/// How far a long command is, on a terminal; silent elsewhere.
struct ProgressBar: Sendable {
    private static let cells = 40

    let total: Int

    /// Draws the bar over itself.
    func show(_ done: Int) {
        guard FileHandle.standardError.isTerminal, total > 0 else { return }
        let filled = Self.cells * done / total
        let bar = String(repeating: "#", count: filled).padding(
            toLength: Self.cells, withPad: ".", startingAt: 0)
        try? FileHandle.standardError.write(contentsOf: Data("\r[\(bar)] \(done)/\(total)".utf8))
    }

    /// Ends the line.
    func finish() {
        guard FileHandle.standardError.isTerminal, total > 0 else { return }
        FileHandle.standardError.say("")
    }
}
