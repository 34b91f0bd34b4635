import BerthCore
import BerthDatabase
import Foundation
import Hummingbird

extension BerthAPI {
    func reportChanges(_ call: Call) async throws -> Response {
        var query = call.query
        let span = call.reportSpan(&query)
        let grouping = query.choice("by", ChangeReport.Grouping.allCases) ?? .environment
        let format = query.choice("format", ReportFormat.allCases) ?? call.reportFormat
        try query.finish()
        let lines = try await database.changeReport(of: span, by: grouping)
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
            csv.append([grouping.rawValue] + ChangeReport.names.map { "\($0)" })
            for line in lines {
                csv.append([line.key] + line.numbers.map { $0.map(String.init) ?? "" })
            }
            call.record(.exported, in: security, object: "changes.csv")
            return .csv(csv, named: "changes.csv")
        }
    }

    func getImpact(_ call: Call) async throws -> Response {
        try call.refuseQuery()
        let impact = try await database.impact(of: call.windowReference(), now: call.now)
        return Answer(writing: impact.write).response
    }

    func getPeople(_ call: Call) async throws -> Response {
        try call.refuseQuery()
        let people = try await database.people(of: call.parameter("key"), now: call.now)
        return Answer(writing: people.write).response
    }
}

extension ChangeReport {
    fileprivate static let names: [StaticString] = [
        "changes", "controlled", "uncontrolled", "emergencies", "approvedLate", "underBookings",
        "late",
        "awaitingReview", "uncontrolledPercent", "unplannedPercent",
    ]

    fileprivate var numbers: [Int?] {
        [
            changes, controlled, uncontrolled, emergencies, approvedLate, underBookings, late,
            awaitingReview, uncontrolledPercent, unplannedPercent,
        ]
    }

    fileprivate func write(_ json: inout JSONWriter) {
        json.object { json in
            json.member("key", key)
            for (name, number) in zip(Self.names, numbers) { json.member(name, number) }
        }
    }
}

extension WindowImpact {
    fileprivate func write(_ json: inout JSONWriter) {
        json.object { json in
            json.member("window", window.description)
            json.member("risk", risk.rawValue)
            json.member("points", points)
            json.member("rule", Self.rule)
            json.name("factors")
            json.array(factors) { json, factor in
                json.object { json in
                    json.member("factor", factor.name)
                    json.member("fact", factor.fact)
                    json.member("points", factor.points)
                }
            }
            json.name("hits")
            json.array(hits) { $1.write(&$0) }
            json.name("warn")
            json.array(warn) { json, concerned in
                json.object { json in
                    json.member("reference", concerned.booking.reference)
                    json.member("environment", concerned.booking.environment)
                    json.member("team", concerned.booking.team)
                    json.member("holder", concerned.booking.holder)
                    json.member("contact", concerned.booking.contact)
                    json.member("startsAt", concerned.booking.startsAt)
                    json.member("endsAt", concerned.booking.endsAt)
                    json.member("next", concerned.isNext)
                }
            }
        }
    }
}

extension People {
    fileprivate func write(_ json: inout JSONWriter) {
        json.object { json in
            json.member("environment", environment)
            json.name("owner")
            if let owner {
                json.object { json in
                    json.member("team", owner.name)
                    json.member("contact", owner.contact)
                }
            } else {
                json.null()
            }
            json.name("holders")
            json.array(holders) { $1.write(&$0) }
            json.name("next")
            if let next { next.write(&json) } else { json.null() }
            json.name("authors")
            json.array(authors) { json, author in
                json.object { json in
                    json.member("actor", author.actor)
                    json.member("team", author.team)
                    json.member("change", author.lastChange)
                    json.member("at", author.lastAt)
                    json.member("summary", author.summary)
                }
            }
        }
    }
}
