import BerthCore
import BerthDatabase
import Foundation
import Hummingbird

extension BerthAPI {
    private static let live = ByteBuffer(string: #"{"status":"live"}"#)

    /// Whether the server answers. It asks nothing of the database, so that a database that is away
    /// does not get a healthy server restarted.
    func getLiveness() -> Response {
        Response(
            status: .ok, headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: Self.live))
    }

    func getReadiness() async throws -> Response {
        try await database.checkReady()
        guard !metrics.storageIsFull else { throw BerthError.storageFull }
        return Answer { $0.object { $0.member("status", "ready") } }.response
    }

    func getMetrics() async -> Response {
        let pool = await database.client.poolStatus
        var text = metrics.text(idle: pool.idle, leased: pool.leased, waiting: pool.waiting)
        text += ServerMetrics.poolWaits(pool.waits, lasting: pool.waited)
        connections.counts.write(&text)
        text += "# HELP berth_streams Who listens to what changes.\n"
        text += "# TYPE berth_streams gauge\n"
        text += "berth_streams \(await stream.count)\n"
        text += "# HELP berth_build_info What runs.\n# TYPE berth_build_info gauge\n"
        text +=
            "berth_build_info{revision=\"\(revision)\",schema=\"\(SchemaMigrator.newestVersion)\"} 1\n"
        // A database that does not answer hides what it knows, and nothing else.
        if let gauges = try? await database.gauges(now: clock()) { gauges.write(&text) }
        if let found = try? await database.findingCounts() { found.write(&text) }
        return Response(
            status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    func getContract() -> Response {
        Response(
            status: .ok, headers: [.contentType: "application/yaml"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: contract)))
    }
}

extension Gauges {
    /// Writes them in Prometheus' text format.
    fileprivate func write(_ text: inout String) {
        func begin(_ name: String, _ help: String) {
            text += "# HELP \(name) \(help)\n# TYPE \(name) gauge\n"
        }
        begin("berth_changes_last_day", "Changes that happened within a day, by their judgement.")
        for (control, count) in changes {
            text += "berth_changes_last_day{control=\"\(control.rawValue)\"} \(count)\n"
        }
        begin("berth_waiting_bookings", "Bookings in line.")
        text += "berth_waiting_bookings \(waiting)\n"
        begin("berth_longest_wait_seconds", "How long the first in line has waited.")
        text += "berth_longest_wait_seconds \(longestWaitSeconds)\n"
        begin("berth_environments", "Environments by tier: used, free or unavailable now.")
        for tier in tiers {
            let name = tier.name.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            for (state, count) in [
                ("used", tier.used), ("free", tier.free), ("unavailable", tier.unavailable),
            ] {
                text += "berth_environments{tier=\"\(name)\",state=\"\(state)\"} \(count)\n"
            }
        }
    }
}

extension FindingCounts {
    /// Writes them in Prometheus' text format.
    fileprivate func write(_ text: inout String) {
        text += "# HELP berth_audit_timestamp_seconds The instant that the last audit audited.\n"
        text += "# TYPE berth_audit_timestamp_seconds gauge\n"
        text += "berth_audit_timestamp_seconds \(Int(at.timeIntervalSince1970))\n"
        text += "# HELP berth_audit_findings What the last audit found.\n"
        text += "# TYPE berth_audit_findings gauge\n"
        for count in counts {
            text +=
                "berth_audit_findings{check=\"\(count.check)\",severity=\"\(count.severity.rawValue)\","
                + "status=\"\(count.status.rawValue)\"} \(count.count)\n"
        }
    }
}

extension Routes {
    private static let health: Set = ["/livez", "/readyz", "/metrics"]

    /// Whether a request's target tells only how the server is: answered even when it is full.
    static func isHealth(_ target: String?) -> Bool {
        target.map { health.contains(String($0.prefix { $0 != "?" })) } ?? false
    }
}

extension ConnectionRegistry.Counts {
    /// Writes them in Prometheus' text format.
    func write(_ text: inout String) {
        text += "# HELP berth_http_connections Connections of clients.\n"
        text += "# TYPE berth_http_connections gauge\n"
        text += "berth_http_connections{state=\"idle\"} \(open - busy)\n"
        text += "berth_http_connections{state=\"busy\"} \(busy)\n"
        text += "# HELP berth_http_connections_closed_total Closed for want of places.\n"
        text += "# TYPE berth_http_connections_closed_total counter\n"
        text += "berth_http_connections_closed_total{reason=\"displaced\"} \(displaced)\n"
        text += "berth_http_connections_closed_total{reason=\"refused\"} \(refused)\n"
    }
}
