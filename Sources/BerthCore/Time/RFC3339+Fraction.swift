import Foundation

extension RFC3339 {
    /// The whole second in which an instant lies that may have a fraction of a second
    /// (`2027-03-01T09:00:00.315384Z`; RFC 3339, section 5.6, `time-secfrac`): other tools send
    /// them. All else is read as ``date(_:)`` reads it. Throws ``Fault``.
    public static func flooredDate(_ text: String) throws(Fault) -> Date {
        let wholeSeconds = 19
        let rest = text.utf8.dropFirst(wholeSeconds)
        guard rest.first == UInt8(ascii: ".") else { return try date(text) }
        let offset = rest.dropFirst().drop {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
        }
        guard offset.count < rest.count - 1, let whole = String(text.utf8.prefix(wholeSeconds)),
            let offset = String(offset)
        else { throw .malformed }
        return try date(whole + offset)
    }
}
