import Foundation
import ICalendar

/// The environments that cells name, each cell's looked up once while a sheet is read.
struct ZoneTable {
    private let names: KnownNames
    private var cells: [String: Result<[Place], UnknownEnvironment>] = [:]

    /// An environment that a cell names.
    struct Place {
        /// The key as it is kept.
        let key: String
        /// The rules of its zone.
        let rules: ZoneRules
    }

    init(_ names: KnownNames) {
        self.names = names
    }

    /// The environments that a cell names, by key or name, each once; the first piece that names none is noted.
    mutating func environments(_ cell: String, _ faults: inout RowFaults) -> [Place] {
        do throws(UnknownEnvironment) {
            return try (cells[cell] ?? lookUp(cell)).get()
        } catch {
            faults.note(unknownEnvironment: error)
            return []
        }
    }

    private mutating func lookUp(_ cell: String) -> Result<[Place], UnknownEnvironment> {
        let found: Result<[Place], UnknownEnvironment>
        do throws(UnknownEnvironment) {
            let keys = try names.keys(in: cell)
            found = .success(
                keys.compactMap { key in
                    names.timeZones[key].map { Place(key: key, rules: .named($0)) }
                })
        } catch {
            found = .failure(error)
        }
        if cells.count >= Limits.sheetNamesKept { cells.removeAll() }
        cells[cell] = found
        return found
    }
}
