import Foundation
import ICalendar

/// Zone rules by environment and by zone, each built once while a sheet is read.
struct ZoneTable {
    private let lookUp: (String) -> TimeZone?
    private var environments: [String: (key: String, rules: ZoneRules)?] = [:]
    private var zones: [String: ZoneRules] = [:]

    init(_ lookUp: @escaping (String) -> TimeZone?) {
        self.lookUp = lookUp
    }

    /// The key as it is kept, and the zone's rules; nil where there is no such environment.
    mutating func environment(_ written: String) -> (key: String, rules: ZoneRules)? {
        if let known = environments[written] { return known }
        var found: (key: String, rules: ZoneRules)?
        for key in [written, written.lowercased()] where found == nil {
            if let zone = lookUp(key) { found = (key, rules(zone)) }
        }
        environments[written] = .some(found)
        return found
    }

    /// The rules of the zone with an IANA name, nil where there is none.
    mutating func zone(named name: String) -> ZoneRules? {
        if let known = zones[name] { return known }
        // Foundation also takes abbreviations such as CST, which name several zones.
        guard let zone = ZoneName.zone(name) else { return nil }
        return rules(zone)
    }

    private mutating func rules(_ zone: TimeZone) -> ZoneRules {
        if let known = zones[zone.identifier] { return known }
        let built = ZoneRules(zone)
        zones[zone.identifier] = built
        return built
    }
}
