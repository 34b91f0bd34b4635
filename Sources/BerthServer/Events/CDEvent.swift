import BerthCore
import Foundation

/// What an event means to Berth.
enum EventReading: Sendable, Equatable {
    /// Something changed.
    case change(ReportedChange)
    /// It is accepted, and tells nothing that is logged.
    case ignored(String)
}

/// A CDEvent (cdevents.dev): what happened to a service or an environment, as its type says.
struct CDEvent: Sendable {
    /// `service`, `environment`, …
    var subject: String
    /// `deployed`, `modified`, …
    var predicate: String

    private static let services = ["deployed", "upgraded", "rolledback", "removed", "published"]
    private static let environments = ["created", "modified", "deleted"]

    /// Reads `dev.cdevents.service.deployed.0.3.0`, any version of 0.x: what Berth reads of them has stood
    /// since 0.1. Nil for other types.
    init?(type: String) {
        let parts = type.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 5, parts[0] == "dev", parts[1] == "cdevents", parts[4] == "0" else {
            return nil
        }
        subject = String(parts[2])
        predicate = String(parts[3])
    }

    /// What an event of that type tells. Throws `.invalid` where it lacks what its type demands.
    static func read(_ event: CloudEvent) throws -> EventReading {
        guard let type = CDEvent(type: event.type), let data = event.data else {
            return .ignored("not a CDEvent that Berth reads: \(event.type)")
        }
        switch (type.subject, type.predicate) {
        case ("service", let predicate) where services.contains(predicate):
            return try type.service(event, data)
        case ("environment", let predicate) where environments.contains(predicate):
            return try type.environment(event, data)
        default:
            return .ignored("nothing that is logged: \(event.type)")
        }
    }

    private func service(_ event: CloudEvent, _ data: JSONValue) throws -> EventReading {
        guard let environment = data.text("subject", "content", "environment", "id") else {
            return .ignored("it names no environment")
        }
        let artifact = data.text("subject", "content", "artifactId").map(PackageURL.init)
        let service = data.text("subject", "id")
        var summary = "service \(service ?? artifact?.name ?? "?") \(predicate)"
        if let artifact { summary += ": \(artifact.text)" }
        var change = try change(event, data, on: environment, kind: .deploy, summary: summary)
        change.component = service ?? artifact?.name
        change.version = artifact?.version
        return .change(change)
    }

    private func environment(_ event: CloudEvent, _ data: JSONValue) throws -> EventReading {
        guard let environment = data.text("subject", "id") else {
            throw BerthError.invalid("/data/subject/id", "is required: which environment")
        }
        let name = data.text("subject", "content", "name").map { " (\($0))" } ?? ""
        var change = try change(
            event, data, on: environment, kind: .infrastructure,
            summary: "environment \(environment)\(name) \(predicate)")
        change.url =
            data.text("subject", "content", "uri") ?? data.text("subject", "content", "url")
        return .change(change)
    }

    private func change(
        _ event: CloudEvent, _ data: JSONValue, on environment: String, kind: ChangeKind,
        summary: String
    ) throws -> ReportedChange {
        let stated = data.text("context", "timestamp").flatMap(CloudEvent.instant)
        guard let occurredAt = stated ?? event.time else {
            throw BerthError.invalid("/data/context/timestamp", "is required: when it happened")
        }
        var change = ReportedChange(
            source: event.source, eventID: event.id, environmentName: environment,
            occurredAt: occurredAt, kind: kind, summary: summary)
        change.actor = data.text("subject", "content", "user") ?? data.text("customData", "actor")
        change.repository =
            data.text("subject", "content", "repository", "id")
            ?? data.text("customData", "repository")
        return change
    }
}

/// A package URL (purl), as far as Berth shows it: `pkg:oci/shop@1.4.2`.
struct PackageURL {
    var text: String
    /// The last part of its path.
    var name: String
    /// What stands after `@`, decoded.
    var version: String?

    init(_ text: String) {
        self.text = text
        let path = text.prefix { $0 != "?" && $0 != "#" }
        let sides = path.split(separator: "@", maxSplits: 1)
        name = sides.first?.split(separator: "/").last.map(String.init) ?? text
        version = sides.count > 1 ? sides[1].removingPercentEncoding ?? String(sides[1]) : nil
    }
}
