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
        filter.series = query.read("series", .seriesReference)
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
        do {
            return try await keysInFlight.hold(key) {
                draft.options.recurrence == nil
                    ? try await book(draft, call, dryRun: dryRun, key)
                    : try await bookSeries(draft, call, dryRun: dryRun, key)
            }
        } catch let error as BerthError {
            if !dryRun { countRefusal(error, of: draft, now: call.now) }
            throw error
        }
    }

    private func book(
        _ draft: BookingDraft, _ call: Call, dryRun: Bool, _ key: IdempotencyKey?
    ) async throws -> Response {
        let booking = try await database.book(
            draft, by: call.caller, now: call.now, dryRun: dryRun, idempotency: key)
        if dryRun { return Answer(writing: booking.writeUnbooked).response }
        metrics.countBooking(booking.state == .waitlisted ? .waitlisted : .accepted)
        return Answer(
            .created, version: booking.version, location: "/v1/bookings/\(booking.reference)",
            writing: booking.writeBooked
        ).response
    }

    private func bookSeries(
        _ draft: BookingDraft, _ call: Call, dryRun: Bool, _ key: IdempotencyKey?
    ) async throws -> Response {
        let outcome = try await database.bookSeries(
            draft, by: call.caller, now: call.now, dryRun: dryRun, idempotency: key,
            keep: { Self.created($0).kept })
        switch outcome {
        case .again(let kept): return Answer(kept: kept).response
        case .done(let series):
            guard !dryRun else {
                return Answer { series.first.write(&$0, unbooked: true, skipped: series.skipped) }
                    .response
            }
            metrics.countBooking(.accepted)
            return Self.created(series).response
        }
    }

    private static func created(_ series: BookedSeries) -> Answer {
        Answer(
            .created, version: series.first.version,
            location: "/v1/bookings/\(series.first.reference)"
        ) { series.first.write(&$0, unbooked: false, skipped: series.skipped) }
    }

    /// Counts a refusal, for `/metrics` and, off the way of bookings, for the reports.
    private func countRefusal(_ error: BerthError, of draft: BookingDraft, now: Date) {
        metrics.countRefusal(error)
        let met: [String]
        switch error {
        case .conflict(let refusal): met = refusal.conflicts.map(\.environment)
        case .policy(let violations): met = violations.map(\.environment)
        default: return
        }
        // Who takes any that match is refused on those that were looked at.
        let environments = draft.environments.isEmpty ? Set(met) : Set(draft.environments)
        database.refusals.count(draft, on: environments, at: now)
    }

    func getBooking(_ call: Call) async throws -> Response {
        try call.refuseQuery()
        let reference = try call.reference()
        var booking = try await database.booking(reference)
        var applied: Int?
        if let seconds = call.preferredWait() {
            let seen = booking
            let changed = try await patience.hold {
                try await database.booking(seen, changedWithin: seconds)
            }
            if let changed {
                booking = changed
                applied = seconds
            }
        }
        var response =
            call.has(version: booking.version)
            ? Response.notModified(version: booking.version)
            : Answer(version: booking.version, writing: booking.write).response
        if let applied { response.headers[.preferenceApplied] = "wait=\(applied)" }
        return response
    }

    func updateBooking(_ call: Call) async throws -> Response {
        var query = call.query
        let dryRun = query.flag("dryRun")
        let scope = query.choice("scope", BookingScope.allCases) ?? .this
        try query.finish()
        let reference = try call.reference()
        let version = try await call.requiredVersion {
            try await database.booking(reference).version
        }
        let patch = try await call.object(.mergePatch, from: call.body())
        let edit = BookingMoveCall(
            reference, scope: scope, expecting: version, by: call.caller, now: call.now,
            dryRun: dryRun)
        let booking = try await database.updateBooking(edit) { booking in
            // The others of a series are not what the caller saw: only what it set is applied to them.
            booking.reference == reference
                ? try BookingDraft(patching: booking, with: patch)
                : try BookingDraft(patching: booking, with: patch.forOthersOfSeries)
        }
        return Answer(version: booking.version, writing: booking.write).response
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
}
