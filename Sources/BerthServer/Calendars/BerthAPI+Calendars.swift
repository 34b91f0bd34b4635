import BerthCore
import BerthDatabase
import Foundation
import HTTPTypes
import Hummingbird

extension BerthAPI {
    func getCalendarOfAll(_ call: Call, _ token: String?) async throws -> Response {
        var query = call.query
        let labels = query.selector("labels")
        return try await getCalendar(.labels(labels), call, token, &query)
    }

    func getCalendar(_ feed: Feed, _ call: Call, _ token: String?) async throws -> Response {
        var query = call.query
        return try await getCalendar(feed, call, token, &query)
    }

    /// An unchanged feed costs one look-up; another is built while it is sent.
    private func getCalendar(
        _ feed: Feed, _ call: Call, _ token: String?, _ query: inout Query
    ) async throws -> Response {
        _ = query.text("token")
        var options = FeedOptions(publicURL: publicURL.text)
        options.isBusyOnly = query.choice("detail", FeedDetail.allCases) == .busy
        options.omitsCancelled =
            query.choice("cancelled", CancelledInFeeds.allCases) == .omit
        try query.finish()
        try Self.requireOwn(feed, call, token)
        let status = try await opened(feed, token)
        if status.isBusyOnly { options.isBusyOnly = true }
        let validators = FeedValidators(status, publicURL, now: call.now)
        if validators.areKnown(to: call.request.headers) {
            return Response(status: .notModified, headers: validators.headers)
        }
        return Response(
            status: .ok,
            headers: validators.headers + Self.describing(file: "\(feed.fileName).ics"),
            body: ResponseBody { [options, now = call.now] writer in
                try await database.writeCalendar(feed, options, now: now) { piece in
                    try await writer.write(ByteBuffer(bytes: piece))
                }
                try await writer.finish(nil)
            })
    }

    func getFreeBusy(_ call: Call, _ token: String?) async throws -> Response {
        var query = call.query
        _ = query.text("token")
        let day = FeedHorizon(call.now).day
        let from = query.read("from", .instant) ?? day
        let to =
            query.read("to", .instant)
            ?? from.addingTimeInterval(Double(Feed.pastDays) * 86_400)
        if to <= from || to.timeIntervalSince(from) > Double(Limits.availabilityDays) * 86_400 {
            query.fault(
                "to", "must come after from, at most \(Limits.availabilityDays) days later")
        }
        try query.finish()
        let feed = try Feed.environment(call.parameter("key"))
        let status = try await opened(feed, token)
        let validators = FeedValidators(status, publicURL, now: call.now)
        if validators.areKnown(to: call.request.headers) {
            return Response(status: .notModified, headers: validators.headers)
        }
        let text = try await database.freeBusy(
            feed, from..<to, changedAt: validators.modifiedAt)
        return Response(
            status: .ok,
            headers: validators.headers + Self.describing(file: "\(feed.fileName).ifb"),
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: text)))
    }

    /// Somebody's own calendar is theirs to open, and an admin's: by a bearer token as by a feed token.
    private static func requireOwn(_ feed: Feed, _ call: Call, _ token: String?) throws {
        guard token == nil, case .person(let name) = feed, call.caller.role != .admin else {
            return
        }
        guard name == call.caller.name else { throw BerthError.notFound(Feed.unknown) }
    }

    /// Throws the same for a feed that is not there and for a token that does not open it.
    private func opened(_ feed: Feed, _ token: String?) async throws -> FeedStatus {
        let status = try await database.feedStatus(feed, presenting: token)
        if case .booking = feed, status.changes == 0 { throw BerthError.notFound(Feed.unknown) }
        guard status.isOpened != false else { throw BerthError.notFound(Feed.unknown) }
        return status
    }

    private static func describing(file name: String) -> HTTPFields {
        let safe = name.unicodeScalars.map { scalar in
            scalar.isASCII
                && (scalar.properties.isAlphabetic || "0123456789.-_".contains(Character(scalar)))
                ? Character(scalar) : "-"
        }
        return [
            .contentType: "text/calendar; charset=utf-8",
            .contentDisposition: "inline; filename=\"\(String(safe))\"",
        ]
    }
}

/// How much a feed shows.
enum FeedDetail: String, CaseIterable {
    case full
    case busy
}

/// What a feed does with what was cancelled.
enum CancelledInFeeds: String, CaseIterable {
    case show
    case omit
}

extension HTTPFields {
    fileprivate static func + (left: HTTPFields, right: HTTPFields) -> HTTPFields {
        var fields = left
        fields.append(contentsOf: right)
        return fields
    }
}
