import Foundation
import ICalendar
import Synchronization

/// IANA zone names as people write them.
///
/// `TimeZone` also takes abbreviations, of which many, such as `CST` and `IST`, mean several zones, and fixed offsets
/// like `GMT+1`, which do not say when clocks change: a name has an area, or is `UTC`.
public enum ZoneName {
    /// Names found good: Foundation's look-up is too slow for every booking, and there are few names.
    private static let found = Mutex<Set<String>>(["UTC"])

    /// Whether it names a zone.
    public static func contains(_ name: String) -> Bool {
        if found.withLock({ $0.contains(name) }) { return true }
        guard name.contains("/"), name.utf8.count <= 64,
            TimeZone(identifier: name)?.identifier == name
        else { return false }
        found.withLock { _ = $0.insert(name) }
        return true
    }

    /// The name with the zone's rules, nil where there is no such zone.
    public static func zone(_ name: String) -> (name: String, rules: ZoneRules)? {
        contains(name) ? (name, .named(name)) : nil
    }
}
