import BerthCore
import BerthDatabase
import Foundation
import Hummingbird

/// The moves of a booking's life, each a POST; of a series, with `?scope=`.
extension BerthAPI {
    func cancelBooking(_ call: Call) async throws -> Response {
        try await move(call, words: ["reason"]) { move, reason, _ in
            try await database.cancelBooking(move, reason: reason)
        }
    }

    func releaseBooking(_ call: Call) async throws -> Response {
        try await move(call, words: ["reason"]) { move, reason, _ in
            try await database.releaseBooking(move, reason: reason)
        }
    }

    func approveBooking(_ call: Call) async throws -> Response {
        try await move(call, words: ["note", "reason"]) { move, note, _ in
            try await database.approveBooking(move, note: note)
        }
    }

    func rejectBooking(_ call: Call) async throws -> Response {
        try await move(call, words: ["note", "reason"]) { move, note, _ in
            try await database.rejectBooking(move, note: note)
        }
    }

    func checkInBooking(_ call: Call) async throws -> Response {
        try await move(call, words: []) { move, _, _ in try await database.checkInBooking(move) }
    }

    func renewBooking(_ call: Call) async throws -> Response {
        try await move(call, words: []) { move, _, _ in try await database.renewBooking(move) }
    }

    /// Takes a later end, or how many minutes more.
    func extendBooking(_ call: Call) async throws -> Response {
        var later: Later?
        return try await move(call, words: []) { fields in
            later = Later(&fields)
        } _: { move, _, _ in
            let later = later
            return try await database.extendBooking(move) { booking in
                switch later {
                case .at(let end): end
                case .by(let minutes): booking.endsAt.addingTimeInterval(Double(minutes) * 60)
                case nil:
                    throw BerthError.invalid("/minutes", "is required, or endsAt in its place")
                }
            }
        }
    }

    func shiftBookings(_ call: Call) async throws -> Response {
        let dryRun = try call.dryRun()
        let body = try await call.body()
        let key = try call.idempotencyKey(body: body, dryRun: dryRun)
        let shift = try BookingShift(posted: call.object(.json, from: body))
        let outcome = try await keysInFlight.hold(key) {
            try await database.shiftBookings(
                shift, by: call.caller, now: call.now, dryRun: dryRun, idempotency: key,
                keep: { Self.shifted($0).kept })
        }
        switch outcome {
        case .again(let kept): return Answer(kept: kept).response
        case .done(let bookings): return Self.shifted(bookings).response
        }
    }

    private static func shifted(_ bookings: [Booking]) -> Answer {
        Answer { json in
            json.object { json in
                json.name("items")
                json.array(bookings) { $1.write(&$0) }
            }
        }
    }

    private enum Later {
        case at(Date)
        case by(Int)

        init?(_ fields: inout FieldReader) {
            let end = fields.read("endsAt", .instant)
            let minutes = fields.read("minutes", .whole(1...Limits.bookingMinutes))
            if end != nil, minutes != nil {
                fields.fault("minutes", "stands beside endsAt: give one of the two")
            }
            if let end {
                self = .at(end)
            } else if let minutes {
                self = .by(minutes)
            } else {
                return nil
            }
        }
    }

    /// A move takes no body, or an object that may say why: under any of `words`, the first of which is the
    /// contract's.
    private func move(
        _ call: Call, words: [String], _ read: (inout FieldReader) -> Void = { _ in },
        _ body: (BookingMoveCall, _ text: String?, Call) async throws -> Booking
    ) async throws -> Response {
        var query = call.query
        let dryRun = query.flag("dryRun")
        let scope = query.choice("scope", BookingScope.allCases) ?? .this
        try query.finish()
        let reference = try call.reference()
        let sent = try await call.body()
        let key = try call.idempotencyKey(body: sent, dryRun: dryRun)
        var text: String?
        var fields = FieldReader(
            sent.readableBytes > 0 ? try call.object(.json, from: sent) : JSONObject(members: []),
            isPatch: false)
        for word in words { fields.setOptional(&text, word, .line()) }
        read(&fields)
        try fields.finish()
        let version = try await call.expectedVersion {
            try await database.booking(reference).version
        }
        let move = BookingMoveCall(
            reference, scope: scope, expecting: version, by: call.caller, now: call.now,
            dryRun: dryRun, idempotency: key)
        let booking = try await keysInFlight.hold(key) { try await body(move, text, call) }
        return Answer(version: booking.version, writing: booking.write).response
    }
}

extension BookingShift {
    /// Reads what was posted. Throws `.invalid` with all that is wrong.
    init(posted object: JSONObject) throws {
        self.init(days: 0)
        var fields = FieldReader(object, isPatch: false)
        fields.require("days")
        fields.set(&days, "days", .whole(-Limits.bookingDays...Limits.bookingDays))
        fields.merge(&labels, "labels")
        fields.set(
            &references, "bookings",
            .array(of: .bookingReference, atMost: Limits.bookingsShifted, atLeast: 1))
        fields.setOptional(&team, "team", .teamName)
        if fields.has("days"), days == 0, fields.faults.isEmpty {
            fields.fault("days", "is 0: nothing would move")
        }
        if labels.isEmpty, references.isEmpty, fields.faults.isEmpty {
            fields.fault("labels", "is required, or bookings in its place")
        }
        try fields.finish()
    }
}

extension FieldForm where Value == SeriesReference {
    /// The reference of a series.
    static var seriesReference: FieldForm {
        text("a series' reference") { text throws(FormFault) in
            guard let reference = SeriesReference(text) else {
                throw FormFault("is not a series' reference, such as SR-7")
            }
            return reference
        }
    }
}

extension FieldForm where Value == BookingReference {
    /// The reference of a booking.
    static var bookingReference: FieldForm {
        text("a booking's reference") { text throws(FormFault) in
            guard let reference = BookingReference(text) else {
                throw FormFault("is not a booking's reference, such as BK-1042")
            }
            return reference
        }
    }
}
