import CLibPQ

/// Owns a `PGconn`.
///
/// `@unchecked Sendable`: libpq lets any thread use a connection as long as one does at a time. The
/// thread that connects makes it and hands over the only reference; from then on it is a stored
/// property of a ``Session``, which `@PollLoop` isolates.
final class ConnectionHandle: @unchecked Sendable {
    let pointer: OpaquePointer

    init(owning pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit {
        PQfinish(pointer)
    }

    var socket: Int32 { PQsocket(pointer) }

    /// libpq's own word on what went wrong. May name hosts, users and databases.
    var message: String { String(cString: PQerrorMessage(pointer)) }
}
