import BerthCore
import HTTPTypes
import Synchronization

/// What `/metrics` shows. All labels come from the table of routes and from enumerations, so no
/// request can make a new series.
final class ServerMetrics: Sendable {
    /// How a request for a booking ended.
    enum BookingOutcome: String, CaseIterable {
        case accepted, waitlisted, conflict, policy
    }

    private struct Series: Hashable {
        var method: String
        var path: String
    }

    private let routes: [Series: RouteMetrics]
    private let other = RouteMetrics()
    private let bookings = Mutex<[BookingOutcome: Int]>([:])

    /// When the database last had no room.
    private let fullAt = Mutex<ContinuousClock.Instant?>(nil)

    private let security = Mutex<[SecurityEvent: Int]>([:])
    private let events = Mutex<(recorded: Int, ignored: Int)>((0, 0))

    init(routes: [Route]) {
        var table: [Series: RouteMetrics] = [:]
        for route in routes {
            table[Series(method: route.method.rawValue, path: route.path)] = RouteMetrics()
        }
        self.routes = table
    }

    /// Counts an answer.
    func count(
        _ method: HTTPRequest.Method, _ path: String, _ status: HTTPResponse.Status,
        _ duration: Duration
    ) {
        let (seconds, attoseconds) = duration.components
        let route = routes[Series(method: method.rawValue, path: path)] ?? other
        route.count(status: status.code, seconds: Double(seconds) + Double(attoseconds) * 1e-18)
    }

    /// Notes that the database had no room for a change.
    func noteFullStorage() {
        fullAt.withLock { $0 = .now }
    }

    /// Whether a change found no room in the last minute.
    var storageIsFull: Bool {
        fullAt.withLock { $0.map { .now - $0 < .seconds(60) } ?? false }
    }

    /// Counts how a request for a booking ended.
    func countBooking(_ outcome: BookingOutcome) {
        bookings.withLock { $0[outcome, default: 0] += 1 }
    }

    /// Counts events of other tools: those that were logged, and those of types that are not.
    func countEvents(recorded: Int, ignored: Int) {
        events.withLock {
            $0.recorded += recorded
            $0.ignored += ignored
        }
    }

    /// Counts an event of the security log.
    func countSecurity(_ event: SecurityEvent) {
        security.withLock { $0[event, default: 0] += 1 }
    }

    /// Counts a request for a booking that ended so, if it was decided at all.
    func countRefusal(_ error: BerthError) {
        switch error {
        case .conflict: countBooking(.conflict)
        case .policy: countBooking(.policy)
        default: break
        }
    }

    /// All of it in Prometheus' text format, with how busy the pool of connections is.
    func text(idle: Int, leased: Int, waiting: Int) -> String {
        var text = ""
        writeRequests(&text)
        writeDurations(&text)
        text += "# HELP berth_bookings_total Requests for bookings decided, dry runs left out.\n"
        text += "# TYPE berth_bookings_total counter\n"
        let counts = bookings.withLock { $0 }
        for outcome in BookingOutcome.allCases {
            text +=
                "berth_bookings_total{outcome=\"\(outcome.rawValue)\"} \(counts[outcome] ?? 0)\n"
        }
        let received = events.withLock { $0 }
        text += "# HELP berth_events_total Events of other tools.\n"
        text += "# TYPE berth_events_total counter\n"
        text += "berth_events_total{outcome=\"recorded\"} \(received.recorded)\n"
        text += "berth_events_total{outcome=\"ignored\"} \(received.ignored)\n"
        writeSecurity(&text)
        text += "# HELP berth_database_connections Connections of the pool.\n"
        text += "# TYPE berth_database_connections gauge\n"
        text += "berth_database_connections{state=\"idle\"} \(idle)\n"
        text += "berth_database_connections{state=\"leased\"} \(leased)\n"
        text += "# HELP berth_database_waiting Callers that wait for a connection.\n"
        text += "# TYPE berth_database_waiting gauge\n"
        text += "berth_database_waiting \(waiting)\n"
        return text
    }

    /// How often, and how long in all, callers waited for a connection of the pool.
    static func poolWaits(_ count: UInt64, lasting waited: Duration) -> String {
        """
        # HELP berth_database_waits_total Callers that had to wait for a connection.
        # TYPE berth_database_waits_total counter
        berth_database_waits_total \(count)
        # HELP berth_database_wait_seconds_total How long they waited, all together.
        # TYPE berth_database_wait_seconds_total counter
        berth_database_wait_seconds_total \(waited / .seconds(1))

        """
    }

    private func writeSecurity(_ text: inout String) {
        text += "# HELP berth_security_events_total Events of the security log.\n"
        text += "# TYPE berth_security_events_total counter\n"
        let counts = security.withLock { $0 }
        for event in SecurityEvent.allCases {
            text +=
                "berth_security_events_total{event=\"\(event.rawValue)\"} \(counts[event] ?? 0)\n"
        }
    }

    private var answered: [(labels: String, counts: RouteMetrics.Counts)] {
        let known = routes.map { series, metrics in
            ("method=\"\(series.method)\",route=\"\(series.path)\"", metrics.counts)
        }
        let all = known + [("method=\"other\",route=\"other\"", other.counts)]
        return all.filter { $0.1.buckets.contains { $0 > 0 } }.sorted { $0.0 < $1.0 }
    }

    private func writeRequests(_ text: inout String) {
        text += "# HELP berth_http_requests_total Requests answered.\n"
        text += "# TYPE berth_http_requests_total counter\n"
        for (labels, counts) in answered {
            for (digit, count) in counts.byClass.enumerated() where count > 0 {
                text += "berth_http_requests_total{\(labels),status=\"\(digit)xx\"} \(count)\n"
            }
        }
    }

    private func writeDurations(_ text: inout String) {
        let name = "berth_http_request_duration_seconds"
        text += "# HELP \(name) From the request's head to the answer.\n"
        text += "# TYPE \(name) histogram\n"
        for (labels, counts) in answered {
            var sum = 0
            for (bound, count) in zip(RouteMetrics.bounds, counts.buckets) {
                sum += count
                text += "\(name)_bucket{\(labels),le=\"\(bound)\"} \(sum)\n"
            }
            sum += counts.buckets[RouteMetrics.bounds.count]
            text += "\(name)_bucket{\(labels),le=\"+Inf\"} \(sum)\n"
            text += "\(name)_sum{\(labels)} \(counts.seconds)\n"
            text += "\(name)_count{\(labels)} \(sum)\n"
        }
    }
}
