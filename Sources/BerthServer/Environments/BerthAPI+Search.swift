import BerthCore
import BerthDatabase
import Foundation
import Hummingbird

extension BerthAPI {
    func searchAvailability(_ call: Call) async throws -> Response {
        var query = call.query
        let span = call.span(&query)
        let minutes = query.whole("minutes", 1...Limits.bookingMinutes)
        if minutes == nil, query.faults.allSatisfy({ $0.pointer != "minutes" }) {
            query.fault("minutes", "is required: how long the environments are needed")
        }
        let question = SlotQuestion(
            labels: query.selector("labels"),
            mode: query.read("mode", .choice(Booking.Mode.allCases)) ?? .exclusive,
            count: query.whole("count", 1...Limits.environmentsPerBooking) ?? 1,
            length: Double(minutes ?? 1) * 60, from: span.from, to: span.to,
            limit: query.whole("limit", 1...Limits.slotsFound) ?? Limits.defaultSlots)
        try query.finish()
        let slots = try await database.slots(question, now: call.now)
        return Answer(writing: { json in
            json.object { json in
                json.name("items")
                json.array(slots) { $1.write(&$0) }
            }
        }).response
    }
}

extension Call {
    /// The span that a question about availability is asked for: `from`, now unless given, and `to`,
    /// 14 days later unless given.
    func span(_ query: inout Query) -> (from: Date, to: Date) {
        let day = 86_400.0
        let from = query.read("from", .instant) ?? now
        let to = query.read("to", .instant) ?? from.addingTimeInterval(14 * day)
        if to <= from {
            query.fault("to", "is not after from")
        } else if to.timeIntervalSince(from) > Double(Limits.availabilityDays) * day {
            query.fault("to", "is more than \(Limits.availabilityDays) days after from")
        }
        return (from, to)
    }
}

extension Slot {
    /// Writes when which environments can be booked, and why this one stands where it does.
    func write(_ json: inout JSONWriter) {
        json.object { json in
            json.member("environments", environments)
            json.member("startsAt", startsAt)
            json.member("endsAt", endsAt)
            json.member("reasons", reasons)
        }
    }
}
