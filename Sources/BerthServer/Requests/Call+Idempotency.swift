import BerthCore
import BerthDatabase
import Crypto
import Foundation
import Hummingbird
import Synchronization

extension Call {
    /// The `Idempotency-Key` of this request; nil without the header. A dry run writes nothing that
    /// could be kept, so it has none. Throws `.invalid`.
    func idempotencyKey(body: ByteBuffer, dryRun: Bool) throws -> IdempotencyKey? {
        guard let key = request.headers[.idempotencyKey] else { return nil }
        guard (1...Limits.idempotencyKeyCharacters).contains(key.utf8.count),
            key.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw BerthError.invalid(
                "Idempotency-Key",
                "must be 1 to \(Limits.idempotencyKeyCharacters) visible ASCII characters")
        }
        guard !dryRun else { return nil }
        var hash = SHA256()
        body.withUnsafeReadableBytes { hash.update(bufferPointer: $0) }
        // No body that is JSON has a zero byte, so body and query cannot be shifted into each
        // other.
        hash.update(data: [0])
        hash.update(data: Array((request.uri.query ?? "").utf8))
        return IdempotencyKey(
            tokenID: caller.tokenID, scope: "\(request.method.rawValue) \(request.uri.path)",
            key: key, requestHash: Data(hash.finalize()))
    }
}

/// The keys of requests that still run in this process. A second request with such a key is refused
/// at once; between processes the database decides.
final class KeysInFlight: Sendable {
    private struct Name: Hashable {
        var tokenID: Int64
        var scope: String
        var key: String
    }

    private let names = Mutex<Set<Name>>([])

    /// Runs the body while the key counts as in flight. Throws `.requestInFlight`.
    func hold<Value>(
        _ key: IdempotencyKey?, _ body: () async throws -> Value
    ) async throws -> Value {
        guard let key else { return try await body() }
        let name = Name(tokenID: key.tokenID, scope: key.scope, key: key.key)
        guard names.withLock({ $0.insert(name).inserted }) else { throw BerthError.requestInFlight }
        defer { names.withLock { _ = $0.remove(name) } }
        return try await body()
    }
}
