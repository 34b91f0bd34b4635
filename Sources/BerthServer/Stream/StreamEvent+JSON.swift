import BerthCore
import BerthDatabase
import NIOCore

extension StreamEvent {
    /// Writes it as a server-sent event: its place, from which a browser asks again, and what happened.
    func write(_ text: inout ByteBuffer) {
        var json = JSONWriter(capacity: 128)
        json.object { json in
            json.member("kind", kind)
            json.member("id", subject)
            json.member("version", version)
            if kind.hasPrefix("booking.") {
                json.member("reference", BookingReference(id: subject).description)
            } else if kind.hasPrefix("window.") {
                json.member("reference", WindowReference(id: subject).description)
            }
            if let booking {
                json.name("booking")
                json.object { booking.write(&$0) }
            }
            if let change {
                json.name("change")
                json.object { change.write(&$0) }
            }
        }
        text.writeString("id: \(position)\ndata: ")
        text.writeImmutableBuffer(json.buffer)
        text.writeString("\n\n")
    }
}

extension StreamedBooking {
    fileprivate func write(_ json: inout JSONWriter) {
        json.member("version", version)
        json.member("startsAt", period.lowerBound)
        json.member("endsAt", period.upperBound)
        json.member("state", state.rawValue)
        json.member("mode", mode.rawValue)
        json.member("team", team)
        json.member("title", title)
        json.member("setupMinutes", setupMinutes)
        json.member("teardownMinutes", teardownMinutes)
        json.member("flags", flags)
        json.name("lines")
        json.array(lines) { json, line in
            json.object { json in
                json.member("environment", line.environment)
                json.member("via", line.via)
                json.member("exclusive", line.isExclusive)
            }
        }
    }
}

extension StreamedChange {
    fileprivate func write(_ json: inout JSONWriter) {
        json.member("environment", environment)
        json.member("occurredAt", occurredAt)
        json.member("control", control.rawValue)
        json.member("team", team)
        json.member("corrects", corrects.map(Int.init))
    }
}
