import CLibPQ
import Foundation

/// Asks the server to cancel what a connection is running.
///
/// `PQcancel` opens a connection and waits for the server to close it, which a stopped server
/// never does: so each has a thread of its own, and there are never more than a few.
///
/// `@unchecked Sendable`: the `PGcancel` is a copy of what libpq needs, independent of its
/// connection; only the one thread uses it, and then frees it.
struct QueryCancellation: @unchecked Sendable {
    @PollLoop private static var outstanding = 0
    private static let limit = 8

    private let pointer: OpaquePointer

    /// Sends the request, and calls `completion` once the server has signalled its process; at
    /// once and without having asked if too many requests are waiting for a server already.
    @PollLoop
    static func send(
        for handle: ConnectionHandle, completion: @escaping @PollLoop @Sendable () -> Void
    ) {
        guard outstanding < limit, let pointer = PQgetCancel(handle.pointer) else {
            return completion()
        }
        outstanding += 1
        let cancellation = QueryCancellation(pointer: pointer)
        let thread = Thread {
            cancellation.sendBlocking()
            Task { @PollLoop in
                outstanding -= 1
                completion()
            }
        }
        thread.name = "postgres-cancel"
        thread.start()
    }

    private func sendBlocking() {
        defer { PQfreeCancel(pointer) }
        // What went wrong changes nothing: the deadline that follows closes the connection.
        var reason = [CChar](repeating: 0, count: 256)
        _ = PQcancel(pointer, &reason, Int32(reason.count))
    }
}
