import BerthCore
import Crypto
import Foundation
import Synchronization

/// Tokens as last read, under the hash of what was presented: no secret stays in memory. An entry lasts a
/// second at most, whatever happens to notifications; a revocation anywhere empties the cache at once.
final class TokenCache: Sendable {
    private struct Entry {
        var caller: Caller?
        var readAt: Date
    }

    private static let lifetimeSeconds: TimeInterval = 1
    private static let mostEntries = 10_000

    private let entries = Mutex<[SHA256Digest: Entry]>([:])

    /// What is known of a bearer: nil when nothing is, `.some(nil)` when it is known to be no token.
    func caller(_ bearer: SHA256Digest, now: Date) -> Caller?? {
        entries.withLock { entries in
            guard let entry = entries[bearer],
                abs(now.timeIntervalSince(entry.readAt)) < Self.lifetimeSeconds
            else { return nil }
            return .some(entry.caller)
        }
    }

    func remember(_ caller: Caller?, for bearer: SHA256Digest, now: Date) {
        entries.withLock { entries in
            if entries.count >= Self.mostEntries { entries.removeAll() }
            entries[bearer] = Entry(caller: caller, readAt: now)
        }
    }

    func forgetAll() {
        entries.withLock { $0.removeAll() }
    }
}
