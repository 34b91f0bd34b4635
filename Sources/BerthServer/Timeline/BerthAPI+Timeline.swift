import BerthCore
import BerthDatabase
import Foundation
import HTTPTypes
import Hummingbird

extension BerthAPI {
    func getTimeline(_ call: Call) async throws -> Response {
        var query = call.query
        let day = Date(
            timeIntervalSince1970: (call.now.timeIntervalSince1970 / 86_400).rounded(.down) * 86_400
        )
        let from = query.read("from", .instant) ?? day
        let to = query.read("to", .instant) ?? from.addingTimeInterval(14 * 86_400)
        var question = TimelineQuestion(span: from..<max(from, to))
        if to <= from {
            query.fault("to", "must be later than from")
        } else if to > from.addingTimeInterval(Double(Limits.timelineDays) * 86_400) {
            query.fault("to", "is more than \(Limits.timelineDays) days after from")
        }
        question.labels = query.selector("labels")
        question.keys =
            query.text("environments").map { $0.split(separator: ",").map(String.init) } ?? []
        if question.keys.count > Limits.timelineEnvironments {
            query.fault("environments", "are more than \(Limits.timelineEnvironments)")
        }
        question.withParts = query.flag("parts")
        try query.finish()
        // What the answer looks like changes with the page alone, which draws it.
        let tag = "\(try await database.timelineTag())-\(PageAssets.shared.hash)"
        var headers: HTTPFields = [
            .eTag: "W/\"\(tag)\"", .cacheControl: "private, no-cache",
            .vary: "Authorization, Cookie",
        ]
        if let sent = call.request.headers[.ifNoneMatch], EntityTags(sent)?.includes(tag) == true {
            headers[.vary] = "Authorization, Cookie, Accept-Encoding"
            return Response(status: .notModified, headers: headers)
        }
        headers[.contentType] = "application/json"
        let answer = try await timelines.answer(to: question, tag: tag) { [question, database] in
            let timeline = try await database.timeline(question, now: call.now)
            var json = JSONWriter()
            timeline.write(&json)
            return EncodedBody(json.buffer)
        }
        return answer.body.response(headers, accepting: call.request.headers)
    }
}
