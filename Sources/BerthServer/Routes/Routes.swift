import BerthCore
import HTTPTypes
import Hummingbird

/// Every route that there is: the one list that registers them, answers OPTIONS and 405, and is
/// held to `openapi.yaml` by a test.
enum Routes {
    static let all: [Route] =
        environments + bookings + windows + changes + calendars + reports + audits + timeline
        + access + operations

    private static let environments: [Route] = [
        .get("/v1/environments", .viewer) { try await $0.listEnvironments($1) },
        .post("/v1/environments", .manager) { try await $0.createEnvironment($1) },
        .get("/v1/environments/{key}", .viewer) { try await $0.getEnvironment($1) },
        .patch("/v1/environments/{key}", .manager) { try await $0.updateEnvironment($1) },
        .delete("/v1/environments/{key}", .manager) { try await $0.retireEnvironment($1) },
        .post("/v1/environments/{key}/outage", .booker) { try await $0.reportOutage($1) },
        .get("/v1/environments/{key}/history", .viewer) { try await $0.getEnvironmentHistory($1) },
        .get("/v1/environments/{key}/availability", .viewer) { try await $0.getAvailability($1) },
        .get("/v1/availability", .viewer) { try await $0.searchAvailability($1) },
    ]

    private static let bookings: [Route] = [
        .get("/v1/bookings", .viewer) { try await $0.listBookings($1) },
        .post("/v1/bookings", .booker) { try await $0.createBooking($1) },
        .get("/v1/bookings/{ref}", .viewer) { try await $0.getBooking($1) },
        .patch("/v1/bookings/{ref}", .booker) { try await $0.updateBooking($1) },
        .get("/v1/bookings/{ref}/history", .viewer) { try await $0.getBookingHistory($1) },
        .post("/v1/bookings/{ref}/cancel", .booker) { try await $0.cancelBooking($1) },
        .post("/v1/bookings/{ref}/release", .booker) { try await $0.releaseBooking($1) },
        .post("/v1/bookings/{ref}/approve", .manager) { try await $0.approveBooking($1) },
        .post("/v1/bookings/{ref}/reject", .manager) { try await $0.rejectBooking($1) },
        .post("/v1/bookings/{ref}/check-in", .booker) { try await $0.checkInBooking($1) },
        .post("/v1/bookings/{ref}/extend", .booker) { try await $0.extendBooking($1) },
        .post("/v1/bookings/{ref}/renew", .booker) { try await $0.renewBooking($1) },
        .post("/v1/bookings/shift", .booker) { try await $0.shiftBookings($1) },
        .get("/v1/notices", .viewer) { try await $0.listNotices($1) },
        .post("/v1/notices/{id}/read", .viewer) { try await $0.readNotice($1) },
    ]

    private static let windows: [Route] = [
        .get("/v1/change-windows", .viewer) { try await $0.listWindows($1) },
        .post("/v1/change-windows", .booker) { try await $0.createWindow($1) },
        .get("/v1/change-windows/{ref}", .viewer) { try await $0.getWindow($1) },
        .patch("/v1/change-windows/{ref}", .booker) { try await $0.updateWindow($1) },
        .get("/v1/change-windows/{ref}/history", .viewer) { try await $0.getWindowHistory($1) },
        .get("/v1/change-windows/{ref}/impact", .viewer) { try await $0.getImpact($1) },
        .post("/v1/change-windows/{ref}/approve", .manager) { try await $0.approveWindow($1) },
        .post("/v1/change-windows/{ref}/reject", .manager) { try await $0.rejectWindow($1) },
        .post("/v1/change-windows/{ref}/cancel", .booker) { try await $0.cancelWindow($1) },
    ]

    private static let changes: [Route] = [
        .get("/v1/environments/{key}/people", .viewer) { try await $0.getPeople($1) },
        .get("/v1/environments/{key}/gate", .viewer) { try await $0.getGate($1) },
        .get("/v1/environments/{key}/inventory", .viewer) { try await $0.getInventory($1) },
        .put("/v1/environments/{key}/inventory", .booker) { try await $0.putInventory($1) },
        .get("/v1/changes", .viewer) { try await $0.listChanges($1) },
        .post("/v1/changes", .booker) { try await $0.recordChange($1) },
        .get("/v1/changes/{id}", .viewer) { try await $0.getChange($1) },
        .post("/v1/changes/{id}/review", .manager) { try await $0.reviewChange($1) },
        .post("/v1/events", .booker) { try await $0.receiveEvents($1) },
        .get("/v1/events/unassigned", .viewer) { try await $0.listUnassignedEvents($1) },
        .post("/v1/events/unassigned/{id}/assign", .manager) { try await $0.assignEvent($1) },
        Route(
            method: .post, path: "/v1/hooks/github",
            handler: .signed { try await $0.receiveGitHubDelivery($1) }),
        .get("/v1/mappings", .viewer) { try await $0.listMappings($1) },
        .post("/v1/mappings", .manager) { try await $0.createMapping($1) },
        .get("/v1/mappings/{id}", .viewer) { try await $0.getMapping($1) },
        .delete("/v1/mappings/{id}", .manager) { try await $0.deleteMapping($1) },
    ]

    private static let calendars: [Route] = [
        .calendar("environments/{key}.ics") { try .environment($0.parameter("key")) },
        .calendar("teams/{team}.ics") { try .team($0.parameter("team")) },
        .calendar("people/{name}.ics") { try .person($0.parameter("name")) },
        .calendar("bookings/{ref}.ics") { try .booking($0.reference()) },
        Route(
            method: .get, path: "/calendars/all.ics",
            handler: .subscriber { try await $0.getCalendarOfAll($1, $2) }),
        Route(
            method: .get, path: "/calendars/environments/{key}.ifb",
            handler: .subscriber { try await $0.getFreeBusy($1, $2) }),
        .get("/v1/feed-tokens", .viewer) { try await $0.listFeedTokens($1) },
        .post("/v1/feed-tokens", .viewer) { try await $0.createFeedToken($1) },
        .get("/v1/feed-tokens/{id}", .viewer) { try await $0.getFeedToken($1) },
        .delete("/v1/feed-tokens/{id}", .viewer) { try await $0.revokeFeedToken($1) },
    ]

    private static let reports: [Route] = [
        .get("/v1/reports/utilisation", .viewer) { try await $0.reportUtilisation($1) },
        .get("/v1/reports/changes", .viewer) { try await $0.reportChanges($1) },
    ]

    private static let timeline: [Route] = [
        .get("/v1/timeline", .viewer) { try await $0.getTimeline($1) },
        .get("/v1/stream", .viewer) { try await $0.getStream($1) },
        .visitor(.get, "/") { try await $0.getPage($1) },
        .visitor(.post, "/sign-in") { try await $0.signIn($1) },
        .visitor(.post, "/sign-out") { try await $0.signOut($1) },
        .visitor(.get, "/problems/{type}") { try await $0.getProblem($1) },
        .visitor(.get, "/assets/{hash}/{name}") { try await $0.getAsset($1) },
    ]

    private static let audits: [Route] = [
        .get("/v1/audits", .viewer) { try await $0.listAudits($1) },
        .get("/v1/audits/{id}", .viewer) { try await $0.getAudit($1) },
        .get("/v1/conflicts", .viewer) { try await $0.listConflicts($1) },
        .get("/v1/waivers", .viewer) { try await $0.listWaivers($1) },
        .post("/v1/waivers", .manager) { try await $0.createWaiver($1) },
        .get("/v1/waivers/{id}", .viewer) { try await $0.getWaiver($1) },
        .delete("/v1/waivers/{id}", .manager) { try await $0.revokeWaiver($1) },
        .get("/v1/audit-checks", .viewer) { try await $0.listAuditChecks($1) },
        .put("/v1/audit-checks/{check}", .admin) { try await $0.putAuditCheck($1) },
    ]

    private static let access: [Route] = [
        .get("/v1/teams", .viewer) { try await $0.listTeams($1) },
        .post("/v1/teams", .admin) { try await $0.createTeam($1) },
        .get("/v1/teams/{name}", .viewer) { try await $0.getTeam($1) },
        .patch("/v1/teams/{name}", .admin) { try await $0.updateTeam($1) },
        .post("/v1/teams/{name}/merge", .admin) { try await $0.mergeTeam($1) },
        .get("/v1/tokens", .admin) { try await $0.listTokens($1) },
        .post("/v1/tokens", .admin) { try await $0.createToken($1) },
        .get("/v1/tokens/{id}", .admin) { try await $0.getToken($1) },
        .delete("/v1/tokens/{id}", .admin) { try await $0.revokeToken($1) },
        .get("/v1/me", .viewer) { try $0.getMe($1) },
    ]

    private static let operations: [Route] = [
        .open("/livez") { $0.getLiveness() },
        .open("/readyz") { try await $0.getReadiness() },
        .open("/metrics") { await $0.getMetrics() },
        .open("/openapi.yaml") { $0.getContract() },
    ]

    /// What a path answers, for `Allow`, by the path as in the contract.
    static let allowed: [String: String] = {
        var methods: [String: [String]] = [:]
        for route in all {
            methods[route.path, default: []].append(route.method.rawValue)
            if route.method == .get { methods[route.path, default: []].append("HEAD") }
        }
        return methods.mapValues { ($0 + ["OPTIONS"]).joined(separator: ", ") }
    }()

    /// What the path of a request answers; nil when there is no such path.
    static func allowed(at path: String) -> String? {
        let parts = path.split(separator: "/")
        return allowed.first { pattern, _ in
            let steps = pattern.split(separator: "/")
            return steps.count == parts.count
                && zip(steps, parts).allSatisfy { step, part in
                    guard step.hasPrefix("{"), let end = step.firstIndex(of: "}") else {
                        return step == part
                    }
                    return part.hasSuffix(step[step.index(after: end)...])
                }
        }?.value
    }
}
