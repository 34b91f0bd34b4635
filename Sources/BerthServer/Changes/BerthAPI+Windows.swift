import BerthCore
import BerthDatabase
import Foundation
import Hummingbird

extension BerthAPI {
    func listWindows(_ call: Call) async throws -> Response {
        var query = call.query
        let page = call.page(&query, of: "change-windows")
        var filter = WindowFilter()
        filter.environment = query.read("environment", .slug)
        filter.team = query.read("team", .teamName)
        filter.kinds = query.choices("kind", ChangeWindow.Kind.allCases)
        filter.states = query.choices("state", ChangeWindow.State.allCases)
        filter.from = query.read("from", .instant)
        filter.to = query.read("to", .instant)
        if let from = filter.from, let to = filter.to, from >= to {
            query.fault("to", "is not after from")
        }
        try query.finish()
        let listing = try await database.windows(filter, page, now: call.now)
        return .page(listing, of: "change-windows", call, query) { $1.write(&$0) }
    }

    func createWindow(_ call: Call) async throws -> Response {
        let dryRun = try call.dryRun()
        let body = try await call.body()
        let key = try call.idempotencyKey(body: body, dryRun: dryRun)
        let draft = try ChangeWindowDraft(
            posted: call.object(.json, from: body), by: call.caller, now: call.now)
        let outcome = try await keysInFlight.hold(key) {
            try await database.createWindow(
                draft, by: call.caller, now: call.now, dryRun: dryRun, idempotency: key,
                keep: { Self.planned($0).kept })
        }
        return outcome.response { planned in
            dryRun ? Answer { planned.write(&$0, isUnplanned: true) } : Self.planned(planned)
        }
    }

    private static func planned(_ planned: PlannedWindow) -> Answer {
        Answer(
            .created, version: planned.window.version,
            location: "/v1/change-windows/\(planned.window.reference)"
        ) { planned.write(&$0) }
    }

    func getWindowHistory(_ call: Call) async throws -> Response {
        var query = call.query
        let reference = try call.windowReference()
        let page = call.page(&query, of: "\(reference)")
        try query.finish()
        let listing = try await database.windowHistory(reference, page)
        // What the oldest version of this page changed shows only beside the one before it.
        var older: WindowVersion?
        if let next = listing.next {
            older = try await database.windowHistory(reference, Page(limit: 1, after: next)).items
                .first
        }
        return .history(listing, older: older, of: "\(reference)", call, query) {
            $1.write(&$0, since: $2)
        }
    }

    func getWindow(_ call: Call) async throws -> Response {
        try call.refuseQuery()
        let window = try await database.window(call.windowReference(), now: call.now)
        if call.has(version: window.version) { return .notModified(version: window.version) }
        return Answer(version: window.version, writing: window.write).response
    }

    func updateWindow(_ call: Call) async throws -> Response {
        let dryRun = try call.dryRun()
        let reference = try call.windowReference()
        let version = try await call.requiredVersion {
            try await database.window(reference, now: call.now).version
        }
        let patch = try await call.object(.mergePatch, from: call.body())
        let move = WindowMoveCall(
            reference, expecting: version, by: call.caller, now: call.now, dryRun: dryRun)
        return try await database.updateWindow(move, keep: { Self.moved($0).kept }) {
            try ChangeWindowDraft(patching: $0, with: patch)
        }.response(Self.moved)
    }

    func approveWindow(_ call: Call) async throws -> Response {
        try await move(call) {
            try await database.approveWindow($0, note: $1, keep: { Self.moved($0).kept })
        }
    }

    func rejectWindow(_ call: Call) async throws -> Response {
        try await move(call) {
            try await database.rejectWindow($0, note: $1, keep: { Self.moved($0).kept })
        }
    }

    func cancelWindow(_ call: Call) async throws -> Response {
        try await move(call) {
            try await database.cancelWindow($0, reason: $1, keep: { Self.moved($0).kept })
        }
    }

    /// A move takes no body, or an object that may say why.
    private func move(
        _ call: Call, _ body: (WindowMoveCall, String?) async throws -> Once<PlannedWindow>
    ) async throws -> Response {
        let dryRun = try call.dryRun()
        let reference = try call.windowReference()
        let sent = try await call.body()
        let key = try call.idempotencyKey(body: sent, dryRun: dryRun)
        var text: String?
        var fields = FieldReader(
            sent.readableBytes > 0 ? try call.object(.json, from: sent) : JSONObject(members: []),
            isPatch: false)
        fields.setOptional(&text, "note", .line())
        fields.setOptional(&text, "reason", .line())
        try fields.finish()
        let version = try await call.expectedVersion {
            try await database.window(reference, now: call.now).version
        }
        let move = WindowMoveCall(
            reference, expecting: version, by: call.caller, now: call.now, dryRun: dryRun,
            idempotency: key)
        return try await keysInFlight.hold(key) { try await body(move, text) }
            .response(Self.moved)
    }

    private static func moved(_ planned: PlannedWindow) -> Answer {
        Answer(version: planned.window.version) { planned.write(&$0) }
    }
}

extension Call {
    /// The window that the path names. Throws `.notFound` when it is no reference.
    func windowReference() throws(BerthError) -> WindowReference {
        let text = try parameter("ref")
        guard let reference = WindowReference(text) else {
            throw .notFound("no window \(text.prefix(64))")
        }
        return reference
    }
}
