import Synchronization

/// How often one route was answered, with which class of status, and how long it took.
///
/// One short lock a route costs less than it would to keep a dozen atomics consistent with each
/// other.
final class RouteMetrics: Sendable {
    /// The upper bounds of the histogram's buckets, in seconds.
    static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

    /// What was counted.
    struct Counts {
        /// By the first digit of the status, 1 to 5.
        var byClass = [Int](repeating: 0, count: 6)
        /// By bucket; the last is for all that took longer.
        var buckets = [Int](repeating: 0, count: RouteMetrics.bounds.count + 1)
        var seconds = 0.0
    }

    private let state = Mutex(Counts())

    var counts: Counts {
        state.withLock { $0 }
    }

    /// Counts one answer.
    func count(status: Int, seconds: Double) {
        let bucket = Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count
        state.withLock { counts in
            counts.byClass[min(max(status / 100, 0), 5)] += 1
            counts.buckets[bucket] += 1
            counts.seconds += seconds
        }
    }
}
