import BerthCore
import Foundation

/// The type of a CDEvent (cdevents.dev, specification, section "type"):
/// `dev.cdevents.service.deployed.0.3.0`.
struct CDEventType {
    /// `service`, `environment`, …
    let subject: Substring
    /// `deployed`, `modified`, …
    let predicate: Substring
    /// `0.3.0`, or with a suffix, `0.4.0-draft`; empty when the type names none.
    let version: Substring

    /// Nil when it is no CDEvent's type; what tools define for themselves (`dev.cdeventsx.`) is none
    /// either.
    init?(_ type: String) {
        let parts = type.split(separator: ".", maxSplits: 4, omittingEmptySubsequences: false)
        guard parts.count >= 4, parts[0] == "dev", parts[1] == "cdevents" else { return nil }
        subject = parts[2]
        predicate = parts[3]
        version = parts.count > 4 ? parts[4] : ""
    }

    /// What the predicate says of the subject, in words; nil when it changes no environment.
    var deed: String? {
        switch (subject, predicate) {
        case ("service", "deployed"), ("service", "upgraded"), ("service", "removed"),
            ("service", "published"), ("environment", "created"), ("environment", "modified"),
            ("environment", "deleted"):
            String(predicate)
        case ("service", "rolledback"): "rolled back"
        default: nil
        }
    }

    /// Whether it is a 0.x: what Berth reads has stood there in all of them.
    var isKnownVersion: Bool {
        let numbers = version.prefix { $0 != "-" }.split(
            separator: ".", omittingEmptySubsequences: false)
        return numbers.count > 1 && numbers[0] == "0"
            && numbers.allSatisfy { !$0.isEmpty && $0.allSatisfy { $0.isASCII && $0.isNumber } }
    }
}

/// Reads CDEvents of services and environments, by what all versions 0.x have in common.
enum CDEvent {
    /// What events tell, in order. Throws `.invalid` with the faults of all that lack what their type
    /// demands, at most ``Limits/faultsListed``; other events are ignored, each with the reason.
    static func readings(of events: [CloudEvent]) throws(BerthError) -> [EventReading] {
        var faults: [FieldFault] = []
        var readings: [EventReading] = []
        readings.reserveCapacity(events.count)
        for event in events where faults.count < Limits.faultsListed {
            if let reading = reading(of: event, &faults) { readings.append(reading) }
        }
        guard faults.isEmpty else { throw .invalid(Array(faults.prefix(Limits.faultsListed))) }
        return readings
    }

    private static func reading(
        of event: CloudEvent, _ faults: inout [FieldFault]
    ) -> EventReading? {
        guard let type = CDEventType(event.type) else {
            return .ignored("is no CDEvent: \(event.type)")
        }
        guard let deed = type.deed else {
            return .ignored("tells of no change: \(event.type)")
        }
        guard type.isKnownVersion else {
            return .ignored("has an unknown version: \(event.type)")
        }
        guard let data = event.data, case .object(let object) = data else {
            faults.append(
                FieldFault(event.dataPointer, "must be a CDEvent: an object in JSON"))
            return nil
        }
        var fields = FieldReader(object, at: event.dataPointer, isPatch: false)
        let occurredAt = instant(&fields, event.time)
        let subject = Subject(&fields, isService: type.subject == "service")
        faults += fields.faults
        guard fields.faults.isEmpty, let occurredAt, let subject else { return nil }
        guard let environment = subject.environment else {
            return .ignored("names no environment: \(event.type)")
        }
        return .change(change(event, data, subject, on: environment, deed, occurredAt))
    }

    /// When it happened: the CDEvent's own timestamp, or else the envelope's.
    private static func instant(_ fields: inout FieldReader, _ envelope: Date?) -> Date? {
        let stated = fields.foreign("context", isRequired: envelope == nil) { context -> Date? in
            var stated: Date?
            context.setOptional(&stated, "timestamp", .instant)
            if envelope == nil, stated == nil, context.faults.isEmpty {
                context.fault("timestamp", "is required: when it happened")
            }
            return stated
        }
        return stated ?? envelope
    }

    private static func change(
        _ event: CloudEvent, _ data: JSONValue, _ subject: Subject, on environment: String,
        _ deed: String, _ occurredAt: Date
    ) -> ReportedChange {
        let artifact = subject.isService ? data.text("subject", "content", "artifactId") : nil
        let name = subject.isService ? nil : data.text("subject", "content", "name")
        // Neither who did it nor where it came from has a place of its own in these events: tools
        // that say so put it into the custom data.
        return ReportedChange(
            source: event.source, eventID: event.id, environmentName: environment,
            occurredAt: occurredAt,
            actor: data.text("subject", "content", "user") ?? data.text("customData", "actor"),
            repository: data.text("subject", "content", "repository", "id")
                ?? data.text("customData", "repository"),
            kind: subject.isService ? .deploy : .infrastructure,
            summary: subject.isService
                ? "service \(subject.id) \(deed)" + (artifact.map { ": \($0)" } ?? "")
                : "environment \(name ?? subject.id) \(deed)",
            component: subject.isService ? subject.id : nil,
            version: artifact.flatMap(PackageURL.version),
            // `uri` in the schemas, `url` in the specification's text.
            url: data.text("subject", "content", "uri") ?? data.text("subject", "content", "url"))
    }
}

/// What a CDEvent is about.
private struct Subject {
    let id: String
    let isService: Bool
    /// The environment concerned; nil when a service's event names none.
    let environment: String?

    init?(_ fields: inout FieldReader, isService: Bool) {
        let read = fields.foreign("subject", isRequired: true) { subject in
            subject.require("id")
            let id = subject.read("id", .foreignName)
            let environment = subject.foreign("content") { content in
                content.foreign("environment") { environment in
                    environment.foreignText("id")
                }
            }
            return id.map { ($0, environment) }
        }
        guard let (id, environment) = read else { return nil }
        self.id = id
        self.isService = isService
        self.environment = isService ? environment : id
    }
}
