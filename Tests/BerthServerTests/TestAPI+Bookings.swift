import BerthCore
import BerthDatabase
import BerthTestSupport
import Foundation
import Logging
import Testing

extension TestAPI {
    /// An instant so many hours from the clock's start, as the API writes it.
    static func at(_ hours: Double) -> String {
        RFC3339.string(TestDatabase.now.addingTimeInterval(hours * 3600))
    }

    /// What is posted to book from one hour to another, in hours from the clock's start. `more` is further
    /// members, as JSON.
    static func booking(
        _ environments: String..., from: Double, to: Double, _ more: String = ""
    ) -> String {
        let keys = environments.map { "\"\($0)\"" }.joined(separator: ",")
        return """
            {"environments":[\(keys)],"startsAt":"\(at(from))","endsAt":"\(at(to))",\
            "title":"Regression"\(more.isEmpty ? "" : ",")\(more)}
            """
    }

    /// Books, and gives the reference; fails the test where it is refused.
    @discardableResult
    func book(
        _ body: String, as name: String = "tess", _ location: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let made = try await post("/v1/bookings", body, as: name)
        #expect(made.status == 201, "\(made.text)", sourceLocation: location)
        return try #require(made["reference"], sourceLocation: location)
    }

    /// The state of a booking.
    func state(_ reference: String) async throws -> String? {
        try await get("/v1/bookings/\(reference)")["state"]
    }

    /// Moves a booking, and gives the answer.
    @discardableResult
    func move(
        _ reference: String, _ action: String, _ body: String? = nil, as name: String = "tess"
    ) async throws -> TestAnswer {
        try await post("/v1/bookings/\(reference)/\(action)", body, as: name)
    }

    /// Edits a booking as it is now.
    func edit(
        _ reference: String, _ patch: String, as name: String = "tess", query: String = ""
    ) async throws -> TestAnswer {
        let etag = try await get("/v1/bookings/\(reference)").headers[.eTag]
        return try await self.patch(
            "/v1/bookings/\(reference)\(query)", patch, as: name, ifMatch: etag)
    }

    /// Sets the clock to so many hours after its start, and lets happen what is due by then.
    func pass(to hours: Double) async throws {
        clock.now = TestDatabase.now.addingTimeInterval(hours * 3600)
        try await Clockwork(database.berth, logger: Logger(label: "test")).advance(to: clock.now)
    }

    /// The kinds of notices that somebody has, the oldest first.
    func notices(of name: String) async throws -> [String] {
        try await get("/v1/notices", as: name).items.reversed().compactMap { $0["kind"] as? String }
    }
}
