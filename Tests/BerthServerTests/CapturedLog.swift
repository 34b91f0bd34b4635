import Logging
import Synchronization

/// What was logged, to look at.
final class CapturedLog: Sendable {
    /// One line.
    struct Line: Sendable {
        var label: String
        var message: String
        var fields: [String: String]
    }

    private let kept = Mutex<[Line]>([])

    var lines: [Line] {
        kept.withLock { $0 }
    }

    /// The lines about that event.
    func lines(about event: String) -> [[String: String]] {
        lines.map(\.fields).filter { $0["event"] == event }
    }

    /// A logger that writes here.
    var logger: Logger {
        Logger(label: "berth.security") { Handler(store: self, label: $0) }
    }

    private struct Handler: LogHandler {
        let store: CapturedLog
        let label: String
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let line = Line(
                label: label, message: "\(event.message)",
                fields: (event.metadata ?? [:]).mapValues { "\($0)" })
            store.kept.withLock { $0.append(line) }
        }
    }
}
