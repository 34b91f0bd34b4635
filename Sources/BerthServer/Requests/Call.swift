import BerthCore
import BerthDatabase
import Foundation
import Hummingbird

/// A request by a known caller, on its way to a handler.
struct Call: Sendable {
    var request: Request
    var parameters: Parameters
    var caller: Caller
    /// When it came: the `now` of everything that is decided for it.
    var now: Date
    /// Where it comes from, for the security log.
    var origin: RequestOrigin

    /// The request's query.
    var query: Query {
        Query(request.uri.query)
    }

    /// A parameter of the path, decoded. Throws `.notFound` when nothing can have that name.
    func parameter(_ name: String) throws(BerthError) -> String {
        guard let raw = parameters[name[...]], let text = PercentCoding.decoded(raw),
            !text.isEmpty, !text.unicodeScalars.contains(where: TextRules.isControl)
        else { throw .notFound("there is nothing of that name") }
        return text
    }

    /// The booking that the path names. Throws `.notFound` when it is no reference.
    func reference() throws(BerthError) -> BookingReference {
        let text = try parameter("ref")
        guard let reference = BookingReference(text) else {
            throw .notFound("no booking \(text.prefix(64))")
        }
        return reference
    }

    /// The number that the path names something by. Throws `.notFound` when it is none.
    func number(_ kind: String) throws(BerthError) -> Int64 {
        let text = try parameter("id")
        guard let id = Int64(text), id > 0, String(id) == text else {
            throw .notFound("no \(kind) \(text.prefix(64))")
        }
        return id
    }
}

extension Call {
    /// Reads a query whose only parameter is `dryRun`.
    func dryRun() throws(BerthError) -> Bool {
        var query = query
        let dryRun = query.flag("dryRun")
        try query.finish()
        return dryRun
    }

    /// Refuses a query: the route has no parameters.
    func refuseQuery() throws(BerthError) {
        var query = query
        try query.finish()
    }

    /// Which page of a list is asked for.
    func page(_ query: inout Query, of list: String) -> Page {
        let limit = query.whole("limit", 1...Limits.longestPage) ?? Limits.defaultPageSize
        var after: String?
        if let cursor = query.text("cursor") {
            after = Cursor.decoded(cursor, of: list)
            if after == nil {
                query.fault("cursor", "is not one that this list gave: start again without it")
            }
        }
        return Page(limit: limit, after: after)
    }
}

extension Call {
    /// The version that `If-Match` asks for; nil when the header is absent. Asks for the present
    /// one only when the header leaves it open.
    func expectedVersion(
        present: @Sendable () async throws -> Int
    ) async throws -> Int? {
        guard let header = request.headers[.ifMatch] else { return nil }
        guard let tags = EntityTags(header) else {
            throw BerthError.invalid(
                "If-Match", "is not an entity tag: write it as \"3\", with the quotes")
        }
        if case .any = tags { return try await present() }
        let versions = tags.versions
        if versions.count == 1 { return versions.first }
        let version = try await present()
        guard versions.contains(version) else { throw BerthError.stale(current: version) }
        return version
    }

    /// The version that `If-Match` asks for. Throws `.preconditionRequired` without one.
    func requiredVersion(present: @Sendable () async throws -> Int) async throws -> Int {
        guard let version = try await expectedVersion(present: present) else {
            throw BerthError.preconditionRequired
        }
        return version
    }

    /// Whether the caller already has that version: then 304 is all the answer it needs.
    func has(version: Int) -> Bool {
        guard let header = request.headers[.ifNoneMatch] else { return false }
        return EntityTags(header)?.includes(version: version) ?? false
    }
}
