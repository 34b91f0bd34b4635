import Glibc

/// A file without a name, gone with its last descriptor.
final class ScratchFile: Sendable {
    let descriptor: Int32

    init(holding text: String) throws {
        var template = Array("/tmp/berth-XXXXXX".utf8CString)
        descriptor = mkstemp(&template)
        guard descriptor >= 0 else {
            throw PostgresClusterError.system("create a file in", path: "/tmp", code: errno)
        }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        unlink(template)
        let bytes = Array(text.utf8)
        guard write(descriptor, bytes, bytes.count) == bytes.count else {
            throw PostgresClusterError.system("write a file in", path: "/tmp", code: errno)
        }
        lseek(descriptor, 0, SEEK_SET)
    }

    deinit {
        close(descriptor)
    }

    /// All of it, wherever the reading or writing position stands.
    func contents() -> String {
        readAll(descriptor, from: 0)
    }
}

/// The bytes of an open file from `offset` to its end, as text.
func readAll(_ descriptor: Int32, from offset: off_t) -> String {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16_384)
    while true {
        let count = pread(descriptor, &chunk, chunk.count, offset + off_t(bytes.count))
        guard count > 0 else { break }
        bytes += chunk[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
}

/// The text of a small file; nil when it cannot be read.
func readFile(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return readAll(descriptor, from: 0)
}
