import Foundation
import ICalendar
import Synchronization

extension ZoneRules {
    private static let known = Mutex<[String: ZoneRules]>([:])

    /// The rules of a zone by its IANA name, built once; of a name that the system does not know, UTC's.
    public static func named(_ name: String) -> ZoneRules {
        if let rules = known.withLock({ $0[name] }) { return rules }
        let rules = ZoneRules(TimeZone(identifier: name) ?? .gmt)
        // Names come from stored records, which hold only names of zones: there are a few hundred.
        known.withLock { $0[name] = rules }
        return rules
    }
}
