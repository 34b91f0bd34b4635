extension PostgresClient {
    /// Listens to channels on a connection of its own, which is made again whenever it breaks.
    ///
    /// Yields ``PostgresNotification/connected`` each time the channels are being listened to, so
    /// that the reader can look for what it missed. Ends when the reader stops reading or the
    /// client shuts down. At most 4096 notifications wait for a reader; after that the oldest are
    /// dropped, and it is told so by another `connected`.
    public func listen(to channels: [String]) -> AsyncStream<PostgresNotification> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: PostgresNotification.self, bufferingPolicy: .bufferingNewest(4096))
        let pool = self.pool
        let task = Task { @PollLoop in
            await Listener(channels: channels, pool: pool, continuation: continuation).run()
            continuation.finish()
        }
        continuation.onTermination = { _ in task.cancel() }
        Task { @PollLoop in pool.addListener(task) }
        return stream
    }
}
