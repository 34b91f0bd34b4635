import BerthCore
import Foundation
import Synchronization

/// How often each address failed to say who it is. So many failures in a row are free, then one a
/// second; success changes nothing, or who has one good token could try others without end.
final class FailureThrottle: Sendable {
    /// What becomes of a failure.
    enum Verdict: Equatable {
        /// It is answered as what it is.
        case heard
        /// It is answered 429. So many were, since the last that was heard.
        case slowed(retryAfter: Int, inARow: Int)
    }

    private struct Bucket {
        /// Failures still free.
        var left = Double(Limits.failuresInARow)
        var at: Date
        var slowed = 0

        /// As it is by then: a failure more a second.
        func filled(by now: Date) -> Bucket {
            var bucket = self
            bucket.left = min(
                Double(Limits.failuresInARow), left + max(0, now.timeIntervalSince(at)))
            bucket.at = now
            return bucket
        }
    }

    /// Two generations: when the young one is full, it becomes the old one, and what only the old one
    /// knew is forgotten.
    private struct Table {
        var young: [ClientAddress?: Bucket] = [:]
        var old: [ClientAddress?: Bucket] = [:]
    }

    private let table = Mutex(Table())
    private let mostAddresses: Int

    /// - Parameter mostAddresses: How many are remembered at most.
    init(mostAddresses: Int = 20_000) {
        self.mostAddresses = mostAddresses
    }

    /// Whether a failure from there would be slowed now.
    func isSlowed(_ address: ClientAddress?, now: Date) -> Bool {
        let network = address?.network
        return table.withLock { table in
            guard let bucket = table.young[network] ?? table.old[network] else { return false }
            return bucket.filled(by: now).left < 1
        }
    }

    /// Counts a failure.
    func failed(_ address: ClientAddress?, now: Date) -> Verdict {
        let network = address?.network
        return table.withLock { table in
            var bucket =
                (table.young[network] ?? table.old[network] ?? Bucket(at: now)).filled(by: now)
            let verdict: Verdict
            if bucket.left >= 1 {
                bucket.left -= 1
                bucket.slowed = 0
                verdict = .heard
            } else {
                bucket.slowed += 1
                verdict = .slowed(
                    retryAfter: Int((1 - bucket.left).rounded(.up)), inARow: bucket.slowed)
            }
            if table.young[network] == nil, table.young.count >= mostAddresses / 2 {
                table.old = table.young
                table.young = [:]
            }
            table.young[network] = bucket
            return verdict
        }
    }
}
