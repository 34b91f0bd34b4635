import CLibPQ
import Foundation
import Logging

/// Makes connections, each on a thread of its own for as long as that takes.
///
/// `PQconnectdbParams` blocks, but it alone does everything that a connection string can ask for:
/// names with several addresses, several hosts, TLS, waiting for a primary.
struct Connector: Sendable {
    private let keywords: [(String, String)]

    /// Throws a ``PostgresError`` of kind `configuration` if libpq cannot read the string; the
    /// error does not quote it, since it may hold a password.
    init(configuration: PostgresConfiguration) throws {
        let given = try Self.parse(configuration.connectionString)
        let timeout = max(2, configuration.connectTimeout.components.seconds)
        var keywords = [
            ("connect_timeout", String(timeout)),
            ("fallback_application_name", configuration.applicationName),
            // A peer that vanished without a word is noticed within a minute.
            ("keepalives_idle", "30"), ("keepalives_interval", "10"), ("keepalives_count", "3"),
        ]
        // Later keywords win: above are defaults, below is what the string cannot change.
        keywords.append(("dbname", configuration.connectionString))
        keywords.append(("client_encoding", "UTF8"))
        if !configuration.sessionParameters.isEmpty {
            let settings = configuration.sessionParameters.map { name, value in
                "-c " + Self.escapeOption("\(name)=\(value)")
            }
            let options = [given["options"]].compactMap(\.self) + settings
            keywords.append(("options", options.joined(separator: " ")))
        }
        self.keywords = keywords
    }

    /// Connects; throws a ``PostgresError`` of kind `connectionFailed`. Cannot be cancelled, but
    /// `connect_timeout` bounds it. On the loop, which alone is never kept busy by others.
    @PollLoop
    func connect() async throws -> ConnectionHandle {
        try await withCheckedThrowingContinuation { continuation in
            let thread = Thread { continuation.resume(with: Result { try connectBlocking() }) }
            thread.name = "postgres-connect"
            thread.start()
        }
    }

    private func connectBlocking() throws -> ConnectionHandle {
        var names = keywords.map { strdup($0.0) }
        var values = keywords.map { strdup($0.1) }
        defer { for string in names + values { free(string) } }
        names.append(nil)
        values.append(nil)
        let pointer = names.withUnsafeBufferPointer { names in
            values.withUnsafeBufferPointer { values in
                names.withMemoryRebound(to: UnsafePointer<CChar>?.self) { names in
                    values.withMemoryRebound(to: UnsafePointer<CChar>?.self) { values in
                        PQconnectdbParams(names.baseAddress, values.baseAddress, 1)
                    }
                }
            }
        }
        guard let pointer else { throw PostgresError(.connectionFailed, "out of memory") }
        let handle = ConnectionHandle(owning: pointer)
        guard PQstatus(pointer) == CONNECTION_OK else {
            var error = PostgresError(.connectionFailed)
            error.serverMessage = handle.message
            throw error
        }
        // Notices would be printed to standard error.
        PQsetNoticeReceiver(pointer, { _, _ in }, nil)
        guard PQsetnonblocking(pointer, 1) == 0, PQenterPipelineMode(pointer) == 1 else {
            throw PostgresError(.connectionFailed, "libpq refused pipeline mode")
        }
        return handle
    }

    /// The settings of a connection string that it really contains.
    private static func parse(_ string: String) throws -> [String: String] {
        var message: UnsafeMutablePointer<CChar>?
        let options = PQconninfoParse(string, &message)
        defer {
            PQfreemem(message)
            PQconninfoFree(options)
        }
        guard var option = options else {
            throw PostgresError(.configuration, "libpq cannot read the connection string")
        }
        var settings: [String: String] = [:]
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val {
                settings[String(cString: keyword)] = String(cString: value)
            }
            option += 1
        }
        return settings
    }

    /// In `options`, spaces separate and backslashes escape.
    private static func escapeOption(_ option: String) -> String {
        option.replacing("\\", with: "\\\\").replacing(" ", with: "\\ ")
    }
}
