import Foundation

/// IANA zone names as people write them.
public enum ZoneName {
    /// The zone with an IANA name, nil where there is none.
    ///
    /// Only `UTC` and names with a `/` are taken: `TimeZone` itself also takes abbreviations, of
    /// which many, such as `CST` and `IST`, mean several zones, and fixed offsets like `GMT+1`.
    public static func zone(_ name: String) -> TimeZone? {
        guard name == "UTC" || name.utf8.contains(UInt8(ascii: "/")) else { return nil }
        return TimeZone(identifier: name)
    }
}
