import BerthCore
import BerthDatabase
import Hummingbird

extension BerthAPI {
    func listNotices(_ call: Call) async throws -> Response {
        var query = call.query
        let page = call.page(&query, of: "notices")
        let unreadOnly = query.flag("unread")
        try query.finish()
        let listing = try await database.notices(for: call.caller, unreadOnly: unreadOnly, page)
        return .page(listing, of: "notices", call, query) { $1.write(&$0) }
    }

    func readNotice(_ call: Call) async throws -> Response {
        let dryRun = try call.dryRun()
        let notice = try await database.readNotice(
            call.number("notice"), by: call.caller, now: call.now, dryRun: dryRun)
        return Answer(writing: notice.write).response
    }
}

extension Notice {
    /// Writes the notice as the API shows it.
    func write(_ json: inout JSONWriter) {
        json.object { json in
            json.member("id", id)
            json.member("at", at)
            json.member("kind", kind)
            json.member("subject", subject)
            json.member("text", text)
            json.member("readAt", readAt)
        }
    }
}
