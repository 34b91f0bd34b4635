import BerthCore
import BerthDatabase
import Foundation
import Hummingbird

extension BerthAPI {
    func listBookings(_ call: Call) async throws -> Response {
        var query = call.query
        let page = call.page(&query, of: "bookings")
        var filter = BookingFilter()
        filter.environment = query.read("environment", .slug)
        filter.team = query.read("team", .teamName)
        filter.states = query.choices("state", Booking.State.allCases)
        filter.labels = query.selector("labels")
        filter.from = query.read("from", .instant)
        filter.to = query.read("to", .instant)
        filter.text = query.read("q", .line())
        if let from = filter.from, let to = filter.to, from >= to {
            query.fault("to", "is not after from")
        }
        try query.finish()
        let listing = try await database.bookings(filter, page)
        return .page(listing, of: "bookings", call, query) { $1.write(&$0) }
    }

    func createBooking(_ call: Call) async throws -> Response {
        let dryRun = try call.dryRun()
        let body = try await call.body()
        let key = try call.idempotencyKey(body: body, dryRun: dryRun)
        let object = try call.object(.json, from: body)
        let draft = try BookingDraft(posted: object, by: call.caller, now: call.now)
        let booking: Booking
        do {
            booking = try await keysInFlight.hold(key) {
                try await database.book(
                    draft, by: call.caller, now: call.now, dryRun: dryRun, idempotency: key)
            }
        } catch let error as BerthError {
            if !dryRun { metrics.countRefusal(error) }
            throw error
        }
        if dryRun { return Answer(writing: booking.writeUnbooked).response }
        metrics.countBooking(.accepted)
        return Answer(
            .created, version: booking.version, location: "/v1/bookings/\(booking.reference)",
            writing: booking.write
        ).response
    }

    func getBooking(_ call: Call) async throws -> Response {
        try call.refuseQuery()
        let booking = try await database.booking(call.reference())
        if call.has(version: booking.version) { return .notModified(version: booking.version) }
        return Answer(version: booking.version, writing: booking.write).response
    }

    func updateBooking(_ call: Call) async throws -> Response {
        let dryRun = try call.dryRun()
        let reference = try call.reference()
        let version = try await call.requiredVersion {
            try await database.booking(reference).version
        }
        let patch = try await call.object(.mergePatch, from: call.body())
        let booking = try await database.updateBooking(
            reference, expecting: version, by: call.caller, now: call.now, dryRun: dryRun
        ) { try BookingDraft(patching: $0, with: patch) }
        return Answer(version: booking.version, writing: booking.write).response
    }

    func cancelBooking(_ call: Call) async throws -> Response {
        try await act(call, database.cancelBooking)
    }

    func releaseBooking(_ call: Call) async throws -> Response {
        try await act(call, database.releaseBooking)
    }

    func getBookingHistory(_ call: Call) async throws -> Response {
        var query = call.query
        let reference = try call.reference()
        let page = call.page(&query, of: "\(reference)")
        try query.finish()
        let listing = try await database.bookingHistory(reference, page)
        // What the oldest version of this page changed shows only beside the one before it.
        var older: BookingVersion?
        if let next = listing.next {
            older = try await database.bookingHistory(reference, Page(limit: 1, after: next)).items
                .first
        }
        return .history(listing, older: older, of: "\(reference)", call, query) {
            $1.write(&$0, since: $2)
        }
    }

    private typealias Action = (
        _ reference: BookingReference, _ reason: String?, _ expecting: Int?, _ caller: Caller,
        _ now: Date, _ dryRun: Bool, _ idempotency: IdempotencyKey?
    ) async throws -> Booking

    /// An action takes no body, or an object that may give a reason.
    private func act(_ call: Call, _ action: Action) async throws -> Response {
        let dryRun = try call.dryRun()
        let reference = try call.reference()
        let body = try await call.body()
        let key = try call.idempotencyKey(body: body, dryRun: dryRun)
        var reason: String?
        if body.readableBytes > 0 {
            var fields = FieldReader(try call.object(.json, from: body), isPatch: false)
            fields.setOptional(&reason, "reason", .line())
            try fields.finish()
        }
        let version = try await call.expectedVersion {
            try await database.booking(reference).version
        }
        let booking = try await keysInFlight.hold(key) {
            try await action(reference, reason, version, call.caller, call.now, dryRun, key)
        }
        return Answer(version: booking.version, writing: booking.write).response
    }
}
