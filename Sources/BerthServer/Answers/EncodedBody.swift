import CZlib
import HTTPTypes
import Hummingbird
import NIOCore

/// A body in both forms in which it goes out: as it is, and by gzip (RFC 1952), made once for all who ask.
struct EncodedBody: Sendable {
    let plain: ByteBuffer
    private let gzipped: ByteBuffer?

    /// Cost: level 1 takes some 6 ms for a megabyte of JSON; level 6 would take eight times that for a fifth less.
    init(_ plain: ByteBuffer) {
        self.plain = plain
        gzipped = plain.gzipped(level: 1)
    }

    /// An answer in the form that the caller takes. The other fields are the route's.
    func response(_ headers: HTTPFields, accepting sent: HTTPFields) -> Response {
        var headers = headers
        headers[.vary] = headers[.vary].map { "\($0), Accept-Encoding" } ?? "Accept-Encoding"
        guard let gzipped, sent.acceptGzip else {
            return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: plain))
        }
        headers[.contentEncoding] = "gzip"
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: gzipped))
    }
}

extension HTTPFields {
    /// Whether `Accept-Encoding` allows gzip (RFC 9110, section 12.5.3): with a weight above zero, by its name or,
    /// where that is not named, by `*`.
    fileprivate var acceptGzip: Bool {
        var weights: [String: Double] = [:]
        for element in self[values: .acceptEncoding].flatMap({ $0.split(separator: ",") }) {
            let parts = element.split(separator: ";").map { $0.trimmingOWS().lowercased() }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }?.dropFirst(2)
            if let coding = parts.first {
                weights[coding] = weight.map { Double($0) ?? 0 } ?? 1
            }
        }
        return (weights["gzip"] ?? weights["x-gzip"] ?? weights["*"] ?? 0) > 0
    }
}

extension ByteBuffer {
    /// The bytes by gzip; nil when zlib cannot, for want of memory.
    func gzipped(level: Int32) -> ByteBuffer? {
        var stream = z_stream()
        // 15 bits of window, and 16 for gzip's own head and checksum.
        guard
            deflateInit2_(
                &stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { return nil }
        defer { deflateEnd(&stream) }
        let most = Int(deflateBound(&stream, UInt(readableBytes)))
        var output = ByteBuffer()
        let isWhole = withUnsafeReadableBytes { input in
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: most) { room in
                // zlib only reads its input, whatever its declaration says.
                stream.next_in = UnsafeMutablePointer(
                    mutating: input.bindMemory(to: UInt8.self).baseAddress)
                stream.avail_in = UInt32(input.count)
                stream.next_out = room.bindMemory(to: UInt8.self).baseAddress
                stream.avail_out = UInt32(room.count)
                return deflate(&stream, Z_FINISH) == Z_STREAM_END ? Int(stream.total_out) : 0
            } > 0
        }
        return isWhole ? output : nil
    }
}
