import BerthCore
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
        return Answer { $0.object { $0.member("status", "ready") } }.response
    }

    func getMetrics() async -> Response {
        let pool = await database.client.poolStatus
        let text = metrics.text(idle: pool.idle, leased: pool.leased, waiting: pool.waiting)
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
