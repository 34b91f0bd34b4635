import Logging

/// Turns what is logged into events to wait for.
struct EventLog: LogHandler {
    var logLevel: Logger.Level = .trace
    var metadata: Logger.Metadata = [:]
    private let messages: AsyncStream<String>
    private let continuation: AsyncStream<String>.Continuation

    init() {
        (messages, continuation) = AsyncStream.makeStream()
    }

    var logger: Logger { Logger(label: "test") { _ in self } }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        continuation.yield(event.message.description)
    }

    /// Returns once a message contains `text`; earlier ones are skipped for good.
    func wait(for text: String) async {
        for await message in messages where message.contains(text) { return }
    }
}
