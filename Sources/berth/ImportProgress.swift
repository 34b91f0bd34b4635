import Foundation
import Synchronization

/// Tells how far an import is: a bar that is drawn over itself on a terminal, a line every five seconds elsewhere.
final class ImportProgress: Sendable {
    private static let cells = 30

    private struct State {
        var done = 0
        var shownAt: ContinuousClock.Instant
        var hasBar = false
    }

    let total: Int
    private let begunAt = ContinuousClock.now
    private let isTerminal = FileHandle.standardError.isTerminal
    private let state: Mutex<State>

    /// Progress towards so many rows.
    init(total: Int) {
        self.total = total
        state = Mutex(State(shownAt: begunAt))
    }

    /// How many rows are done.
    var done: Int { state.withLock(\.done) }

    /// Notes how many rows are done, and shows it when it is time to.
    func show(_ done: Int) {
        let now = ContinuousClock.now
        state.withLock { state in
            state.done = done
            let pause: Duration = isTerminal ? .milliseconds(100) : .seconds(5)
            guard now - state.shownAt >= pause || (isTerminal && done == total) else { return }
            state.shownAt = now
            state.hasBar = isTerminal
            let text = Self.text(done: done, of: total, after: now - begunAt)
            write(isTerminal ? "\r\(bar(done)) \(text)\u{1B}[K" : text + "\n")
        }
    }

    /// Says something else meanwhile; the bar goes on below it.
    func say(_ line: String) {
        state.withLock { state in
            write((state.hasBar ? "\r\u{1B}[K" : "") + line + "\n")
            state.hasBar = false
        }
    }

    /// Ends the bar's line.
    func finish() {
        state.withLock { state in
            if state.hasBar { write("\n") }
            state.hasBar = false
        }
    }

    /// How fast it was, once that says something.
    var pace: String? {
        let taken = ContinuousClock.now - begunAt
        guard taken >= .seconds(1) else { return nil }
        return "\(done) rows in \(Int(taken / .seconds(1))) s, \(Self.rate(done, taken))/s"
    }

    /// How many are done, how fast, and how long the others take at that pace.
    static func text(done: Int, of total: Int, after taken: Duration) -> String {
        let rate = rate(done, taken)
        let left = rate > 0 ? ", \((total - done + rate - 1) / rate) s left" : ""
        return "\(done) of \(total) rows, \(rate)/s\(left)"
    }

    private static func rate(_ done: Int, _ taken: Duration) -> Int {
        Int(Double(done) / max(taken / .seconds(1), 0.001))
    }

    private func bar(_ done: Int) -> String {
        let filled = total > 0 ? Self.cells * done / total : Self.cells
        return "["
            + String(repeating: "#", count: filled).padding(
                toLength: Self.cells, withPad: ".", startingAt: 0) + "]"
    }

    private func write(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
}
