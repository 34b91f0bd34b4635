import Foundation

/// An answer as it came over the wire.
struct Answer: Sendable {
    var status: Int
    var headers: [String: String]
    var body: Data

    /// The body's JSON object; empty when it is none.
    var json: [String: Any] {
        (try? JSONSerialization.jsonObject(with: body)) as? [String: Any] ?? [:]
    }
    var text: String { String(decoding: body, as: UTF8.self) }
    var reference: String? { json["reference"] as? String }
    var type: String? { json["type"] as? String }

    /// Whether it is a 503 that says when to come again.
    var saysLater: Bool {
        status == 503 && (headers["retry-after"].flatMap { Int($0) } ?? 0) > 0
    }
}

/// A request of the API.
struct Call: Sendable {
    var method: String
    var path: String
    var headers: [String: String] = [:]
    var body: String?

    static func get(_ path: String, _ token: String? = nil) -> Call {
        Call(method: "GET", path: path, headers: Self.bearer(token))
    }

    static func post(
        _ path: String, _ token: String, _ body: String, key: String? = nil
    ) -> Call {
        var headers = bearer(token)
        headers["Content-Type"] = "application/json"
        headers["Idempotency-Key"] = key
        return Call(method: "POST", path: path, headers: headers, body: body)
    }

    private static func bearer(_ token: String?) -> [String: String] {
        token.map { ["Authorization": "Bearer \($0)"] } ?? [:]
    }

    var bytes: [UInt8] {
        var lines = ["\(method) \(path) HTTP/1.1", "Host: localhost"]
        lines += headers.map { "\($0.key): \($0.value)" }
        if let body { lines.append("Content-Length: \(body.utf8.count)") }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? "")).utf8)
    }
}

/// One keep-alive connection, on a blocking socket: for use on a thread of its own.
final class Connection {
    private let socket: Int32
    private var received: [UInt8] = []
    private(set) var isClosed = false

    struct Lost: Error {
        let reason: String
    }

    init(port: Int, timeout: Int = 30) throws {
        socket = Glibc.socket(
            AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var limit = timeval(tv_sec: timeout, tv_usec: 0)
        setsockopt(
            socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(
            socket, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw Lost(reason: "connect: \(errno)") }
    }

    deinit {
        close(socket)
    }

    func send(_ bytes: some Collection<UInt8>) throws {
        let bytes = Array(bytes)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.send(
                    socket, buffer.baseAddress?.advanced(by: sent), bytes.count - sent,
                    Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Lost(reason: "send: \(errno)") }
            sent += count
        }
    }

    func answer(to call: Call) throws -> Answer {
        try send(call.bytes)
        return try receive()
    }

    /// The next answer.
    func receive() throws -> Answer {
        var end = headEnd()
        while end == nil {
            try more()
            end = headEnd()
        }
        guard let end else { throw Lost(reason: "no head") }
        let lines = String(decoding: received[..<end], as: UTF8.self).components(
            separatedBy: "\r\n")
        received.removeFirst(end + 4)
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...]
                .trimmingCharacters(in: .whitespaces)
        }
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count > 1, let status = Int(words[1]) else { throw Lost(reason: "\(lines)") }
        if status == 100 { return try receive() }
        if headers["transfer-encoding"] == "chunked" {
            return Answer(status: status, headers: headers, body: try chunks())
        }
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        while received.count < length { try more() }
        let body = Data(received.prefix(length))
        received.removeFirst(length)
        return Answer(status: status, headers: headers, body: body)
    }

    /// A body of unknown length (RFC 9112, section 7.1).
    private func chunks() throws -> Data {
        var body = Data()
        while true {
            while !received.contains(10) { try more() }
            let line = received.prefix { $0 != 13 }
            guard let size = Int(String(decoding: line, as: UTF8.self), radix: 16) else {
                throw Lost(reason: "no size of a chunk")
            }
            while received.count < line.count + 2 + size + 2 { try more() }
            body += received[(line.count + 2)..<(line.count + 2 + size)]
            received.removeFirst(line.count + 2 + size + 2)
            if size == 0 { return body }
        }
    }

    private func headEnd() -> Int? {
        let end: [UInt8] = [13, 10, 13, 10]
        guard received.count >= 4 else { return nil }
        return (0...(received.count - 4)).first { Array(received[$0..<($0 + 4)]) == end }
    }

    private func more() throws {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(socket, &buffer, buffer.count, 0)
        guard count > 0 else {
            isClosed = count == 0 || errno != EAGAIN
            throw Lost(reason: count == 0 ? "closed" : "receive: \(errno)")
        }
        received += buffer[..<count]
    }
}
