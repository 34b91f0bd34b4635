import BerthCore
import BerthDatabase
import Foundation
import Hummingbird

extension BerthAPI {
    func reportUtilisation(_ call: Call) async throws -> Response {
        var query = call.query
        let span = call.reportSpan(&query)
        let grouping = query.choice("by", Utilisation.Grouping.allCases) ?? .environment
        let format = query.choice("format", ReportFormat.allCases) ?? call.reportFormat
        try query.finish()
        let lines = try await database.utilisation(of: span, by: grouping, now: call.now)
        switch format {
        case .json:
            return Answer { json in
                json.object { json in
                    json.member("from", span.lowerBound)
                    json.member("to", span.upperBound)
                    json.member("by", grouping.rawValue)
                    json.name("items")
                    json.array(lines) { $1.write(&$0) }
                }
            }.response
        case .csv:
            var csv = CSVWriter()
            csv.append(Utilisation.columns(by: grouping))
            for line in lines { csv.append(line.cells) }
            call.record(.exported, in: security, object: "utilisation.csv")
            return .csv(csv, named: "utilisation.csv")
        }
    }
}

/// How a report may be had.
enum ReportFormat: String, CaseIterable {
    case json, csv
}

extension Call {
    /// The format that `Accept` names; JSON unless it is CSV alone (RFC 9110, section 12.5.1).
    var reportFormat: ReportFormat {
        let accepted = (request.headers[.accept] ?? "").lowercased()
        return accepted.contains("text/csv") && !accepted.contains("json") ? .csv : .json
    }

    /// The span of a report: `from`, 30 days before `to` unless given, and `to`, now unless given.
    func reportSpan(_ query: inout Query) -> Range<Date> {
        let day = 86_400.0
        let to = query.read("to", .instant) ?? now.flooredToSecond
        let from = query.read("from", .instant) ?? to.addingTimeInterval(-30 * day)
        if to <= from {
            query.fault("to", "is not after from")
        } else if to.timeIntervalSince(from) > Double(Limits.reportDays) * day {
            query.fault("to", "is more than \(Limits.reportDays) days after from")
        }
        return min(from, to)..<max(from, to)
    }
}

extension Response {
    /// A file for spreadsheets: RFC 4180, UTF-8.
    static func csv(_ csv: CSVWriter, named name: String) -> Response {
        Response(
            status: .ok,
            headers: [
                .contentType: "text/csv; charset=utf-8; header=present",
                .contentDisposition: "attachment; filename=\"\(name)\"",
            ],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: csv.bytes)))
    }
}

extension Utilisation {
    /// Writes one line of the report, times in hours.
    fileprivate func write(_ json: inout JSONWriter) {
        json.object { json in
            json.member("key", key)
            for (name, seconds) in times {
                json.name(name)
                json.value(seconds.map { .number(Self.hours($0)) } ?? JSONValue.null)
            }
            json.member("usedPercent", usedPercent)
            for (name, count) in counts { json.member(name, count) }
        }
    }

    fileprivate static func columns(by grouping: Grouping) -> [String] {
        let names = Utilisation(key: "")
        return [grouping.rawValue] + names.times.map { "\($0.0)" } + ["usedPercent"]
            + names.counts.map { "\($0.0)" }
    }

    fileprivate var cells: [String] {
        [key] + times.map { $0.1.map(Self.hours) ?? "" } + [usedPercent.map(String.init) ?? ""]
            + counts.map { String($0.1) }
    }

    private var times: [(StaticString, Int?)] {
        [
            ("bookableHours", bookable), ("unavailableHours", unavailable), ("bookedHours", booked),
            ("usedHours", used), ("refusedHours", refused), ("waitedHours", waited),
        ]
    }

    private var counts: [(StaticString, Int)] {
        [
            ("bookings", bookings), ("noShows", noShows), ("extensions", extensions),
            ("overruns", overruns),
        ]
    }

    /// `12.5`: at most two digits after the point, which is the same in every language.
    private static func hours(_ seconds: Int) -> String {
        let hundredths = (seconds * 100 + 1800) / 3600
        let (whole, rest) = hundredths.quotientAndRemainder(dividingBy: 100)
        if rest == 0 { return String(whole) }
        let digits = rest < 10 ? "0\(rest)" : String(rest)
        return "\(whole).\(digits.hasSuffix("0") ? String(digits.dropLast()) : digits)"
    }
}
