import BerthCore
import Foundation
import HTTPTypes
import Testing
import Yams

@testable import BerthServer

@Suite("Routes and the contract")
struct RouteTests {
    private func contract() throws -> [String: [String: Any]] {
        let document = try Yams.load(yaml: Contract.text()) as? [String: Any]
        return try #require(document?["paths"] as? [String: [String: Any]])
    }

    @Test("The server has the routes of the contract, each with its role, and no others")
    func sameRoutes() throws {
        let methods: Set = ["get", "post", "patch", "put", "delete"]
        var promised: Set<String> = []
        for (path, item) in try contract() {
            for (method, operation) in item where methods.contains(method) {
                let role = (operation as? [String: Any])?["x-role"] as? String
                promised.insert("\(method.uppercased()) \(path) \(role ?? "?")")
            }
        }
        let kept = Set(
            Routes.all.map { "\($0.method.rawValue) \($0.path) \($0.role?.rawValue ?? "none")" })
        #expect(kept == promised)
        #expect(kept.count == Routes.all.count)
    }

    @Test(
        "Nothing under /v1 is open, and a viewer writes only that it read a notice, and feed tokens"
    )
    func roles() {
        for route in Routes.all {
            if case .signed = route.handler { continue }
            // The page asks who signs in by itself.
            if case .visitor = route.handler {
                #expect(!route.path.hasPrefix("/v1/"))
                continue
            }
            if route.path.hasPrefix("/v1/") { #expect(route.role != nil, "\(route.path)") }
            let own = ["/v1/notices/{id}/read", "/v1/feed-tokens", "/v1/feed-tokens/{id}"]
            if route.method != .get, !own.contains(route.path) {
                #expect((route.role ?? .viewer) >= .booker, "\(route.path)")
            }
        }
    }

    @Test("Allow names what a path answers; a path that is not there has none")
    func allow() {
        #expect(Routes.allowed(at: "/v1/bookings") == "GET, HEAD, POST, OPTIONS")
        #expect(Routes.allowed(at: "/v1/bookings/BK-1") == "GET, HEAD, PATCH, OPTIONS")
        #expect(Routes.allowed(at: "/v1/bookings/BK-1/cancel") == "POST, OPTIONS")
        #expect(Routes.allowed(at: "/livez") == "GET, HEAD, OPTIONS")
        #expect(Routes.allowed(at: "/calendars/environments/a.b.ics") == "GET, HEAD, OPTIONS")
        #expect(Routes.allowed(at: "/calendars/environments/a.txt") == nil)
        #expect(Routes.allowed(at: "/v1/nothing") == nil)
        #expect(Routes.allowed(at: "/") == "GET, HEAD, OPTIONS")
    }

    @Test(
        "Every operation is described, every body has an example, every parameter and property a meaning"
    )
    func documentation() throws {
        let contract = try ContractSchema.shared.get()
        #expect(contract.undocumented() == [])
        #expect(contract.described > 900)
    }
}
