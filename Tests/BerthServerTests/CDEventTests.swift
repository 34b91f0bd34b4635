import BerthCore
import Foundation
import HTTPTypes
import NIOCore
import Testing

@testable import BerthServer

@Suite("Reading CDEvents")
struct CDEventTests {
    private static let at = Date(timeIntervalSince1970: 1_803_891_600)

    private func readings(
        _ body: ByteBuffer, _ type: String = "application/json"
    ) throws -> [EventReading] {
        try CDEvent.readings(of: CloudEvent.events(in: [.contentType: type], body))
    }

    private func reading(_ body: String, _ type: String = "application/json") throws -> EventReading
    {
        try #require(readings(ByteBuffer(string: body), type).first)
    }

    private func change(_ body: String) throws -> ReportedChange {
        guard case .change(let change) = try reading(body) else {
            throw BerthError.invalid("", "is ignored")
        }
        return change
    }

    private func pointers(_ body: String) -> [String] {
        do {
            let reading = try reading(body)
            Issue.record("\(reading)")
        } catch BerthError.invalid(let faults) {
            return faults.map(\.pointer)
        } catch {
            Issue.record(error)
        }
        return []
    }

    /// An event without an envelope; nil leaves a member out.
    private static func event(
        _ type: String = "service.deployed.0.3.0", id: String? = #""shop""#,
        content: String? = #"{"environment":{"id":"uat-1"}}"#,
        timestamp: String? = #""2027-03-01T09:00:00Z""#, more: String = ""
    ) -> String {
        func member(_ name: String, _ value: String?) -> String {
            value.map { ",\"\(name)\":\($0)" } ?? ""
        }
        return """
            {"context":{"id":"e1","source":"/ci","type":"dev.cdevents.\(type)"\
            \(member("timestamp", timestamp))},\
            "subject":{"source":"/ci"\(member("id", id))\(member("content", content))}\(more)}
            """
    }

    private static func artifact(_ artifact: String) -> String {
        event(content: #"{"environment":{"id":"uat-1"},"artifactId":"\#(artifact)"}"#)
    }

    @Test(
        "Each conformance event is read, or ignored with a reason",
        .enabled(if: SharedEvents.areThere, "the folder ../shared/data is not on this machine"),
        arguments: SharedEvents.conformance)
    func conformance(name: String) throws {
        let parts = name.split(separator: "_")
        let body = try SharedEvents.body("cdevents/\(name).json")
        let reading = try #require(readings(body).first)
        guard ["service", "environment"].contains(parts[0]) else {
            guard case .ignored(let reason) = reading else {
                Issue.record("\(reading)")
                return
            }
            #expect(reason.hasPrefix("tells of no change: dev.cdevents.\(parts[0])."))
            return
        }
        let isService = parts[0] == "service"
        let hasArtifact = ["deployed", "upgraded", "rolledback"].contains(parts[1])
        let digest = "0b31b1c02ff458ad9b7b81cbdf8f028bd54699fa151f221d1e8de6817db93427"
        let deed = parts[1] == "rolledback" ? "rolled back" : String(parts[1])
        let expected = ReportedChange(
            source: "/event/source/123", eventID: "271069a8-fc18-44f1-b38f-9d70a1695819",
            environmentName: isService ? "test123" : "mySubject123",
            occurredAt: try RFC3339.date("2023-03-20T14:27:05Z"),
            kind: isService ? .deploy : .infrastructure,
            summary: isService
                ? "service mySubject123 \(deed)"
                    + (hasArtifact ? ": pkg:oci/myapp@sha256%3A\(digest)" : "")
                : "environment testEnv \(deed)",
            component: isService ? "mySubject123" : nil,
            version: hasArtifact ? "sha256:\(digest)" : nil,
            url: isService || parts[1] == "deleted" ? nil : "https://example.org/testEnv")
        #expect(reading == .change(expected))
    }

    @Test(
        "There are all thirteen conformance events",
        .enabled(if: SharedEvents.areThere, "the folder ../shared/data is not on this machine"))
    func conformanceCount() {
        #expect(SharedEvents.conformance.count == 13)
    }

    @Test(
        "Any version 0.x is read",
        arguments: ["0.1.0", "0.1.1", "0.2.0", "0.3.0", "0.3.0-draft", "0.17", "0.4.0-rc.1"])
    func versions(version: String) throws {
        let change = try change(Self.event("service.deployed.\(version)"))
        #expect(change.environmentName == "uat-1")
        #expect(change.summary == "service shop deployed")
    }

    @Test(
        "Another version, and none, is ignored as unknown",
        arguments: [
            ".1.0.0", ".1.0.0-draft", ".00.3.0", ".-0.1.0", "", ".", ".0", ".0.", ".0.x", ".v0.3.0",
            ".0.٣",
        ])
    func unknownVersions(version: String) throws {
        let type = "service.deployed\(version)"
        #expect(
            try reading(Self.event(type))
                == .ignored("has an unknown version: dev.cdevents.\(type)"))
    }

    @Test(
        "What changes no environment is ignored, whatever its data",
        arguments: [
            ("dev.cdevents.build.finished.0.3.0", "tells of no change: "),
            ("dev.cdevents.service.exploded.0.3.0", "tells of no change: "),
            ("dev.cdevents.environment.deployed.0.3.0", "tells of no change: "),
            ("dev.cdevents.service", "is no CDEvent: "),
            ("dev.cdeventsx.tool-service.deployed.0.1.0", "is no CDEvent: "),
            ("com.github.push", "is no CDEvent: "), ("t", "is no CDEvent: "),
        ])
    func otherTypes(type: String, reason: String) throws {
        let body = #"{"specversion":"1.0","id":"1","source":"/ci","type":"\#(type)","data":7}"#
        #expect(try reading(body) == .ignored(reason + type))
    }

    @Test("The envelope says which event it is and the CDEvent when it happened")
    func envelope() throws {
        func body(_ timestamp: String?) -> String {
            """
            {"specversion":"1.0","id":"outer","source":"/bus",
             "type":"dev.cdevents.service.upgraded.0.3.0","time":"2027-03-01T12:00:00.7Z",
             "data":\(Self.event(timestamp: timestamp))}
            """
        }
        let change = try change(body(#""2027-03-01T10:00:00.999+01:00""#))
        #expect(change.eventID == "outer")
        #expect(change.source == "/bus")
        #expect(change.summary == "service shop upgraded")
        #expect(change.occurredAt == Self.at)
        #expect(try self.change(body(nil)).occurredAt == Self.at.addingTimeInterval(10_800))
        #expect(try self.change(body("null")).occurredAt == Self.at.addingTimeInterval(10_800))
        #expect(pointers(body(#""soon""#)) == ["/data/context/timestamp"])
    }

    @Test(
        "An event that lacks what its type demands is refused, and the place named",
        arguments: [
            (event(timestamp: nil), "/context/timestamp"),
            (event(timestamp: "null"), "/context/timestamp"),
            (event(timestamp: #""2027-03-01""#), "/context/timestamp"),
            (event(id: nil), "/subject/id"), (event(id: #"" \u0007 ""#), "/subject/id"),
            (event("environment.created.0.3.0", id: "null"), "/subject/id"),
            (event(content: "[]"), "/subject/content"),
            (event(content: #"{"environment":"uat-1"}"#), "/subject/content/environment"),
            (
                event(content: #"{"environment":{"id":7}}"#),
                "/subject/content/environment/id"
            ),
            (
                """
                {"context":{"id":"1","source":"s","type":"dev.cdevents.service.deployed.0.3.0",\
                "timestamp":"2027-03-01T09:00:00Z"}}
                """, "/subject"
            ),
        ])
    func missing(body: String, pointer: String) {
        #expect(pointers(body) == [pointer])
    }

    @Test(
        "Data that is no CDEvent is refused",
        arguments: ["", #","data":null"#, #","data":"{}""#, #","data":[]"#])
    func noData(data: String) {
        let body =
            #"{"specversion":"1.0","id":"1","source":"/ci","type":"dev.cdevents.service.removed.0.1.0"\#(data)}"#
        #expect(pointers(body) == ["/data"])
    }

    @Test("A batch names every event in it that lacks something")
    func batchFaults() {
        let bodies = [Self.event(), Self.event(id: nil), Self.event(content: "7")]
        #expect(
            pointers("[\(bodies.joined(separator: ","))]")
                == ["/1/subject/id", "/2/subject/content"])
    }

    @Test(
        "A service's event that names no environment is ignored",
        arguments: [
            nil, "null", "{}", #"{"environment":null}"#, #"{"environment":{}}"#,
            #"{"environment":{"id":""}}"#, #"{"environment":{"id":"\u0000\n"}}"#,
        ] as [String?])
    func noEnvironment(content: String?) throws {
        let type = "service.published.0.3.0"
        #expect(
            try reading(Self.event(type, content: content))
                == .ignored("names no environment: dev.cdevents.\(type)"))
    }

    @Test(
        "The version is what the artifact's package URL says after its @",
        arguments: [
            ("pkg:oci/shop@sha256%3A0b31", "sha256:0b31"),
            ("pkg:golang/mygit.com/myorg/myapp@1.2.3", "1.2.3"),
            ("pkg:npm/@angular/core@17.0.1?arch=x@y#a@b", "17.0.1"),
            ("pkg:npm/%40angular/core@17.0.1", "17.0.1"), ("pkg:npm/@angular/core", nil),
            ("pkg:npm/@angular", nil), ("pkg:oci/shop", nil), ("pkg:oci/shop@", nil),
            ("PKG:oci/shop@1%", "1%"), ("pkg:oci/shop@1%002", "1 2"),
            ("six-1.14.0-py2.py3-none-any.whl", "six-1.14.0-py2.py3-none-any.whl"), ("pkg:", nil),
        ] as [(String, String?)])
    func packageURLs(artifact: String, version: String?) throws {
        let change = try change(Self.artifact(artifact))
        #expect(change.version == version)
        #expect(change.component == "shop")
        #expect(change.summary == "service shop deployed: \(artifact)")
    }

    @Test("Names are made one line of at most 500 characters, and bounded in what they combine")
    func hostileNames() throws {
        let change = try change(
            Self.event(
                id: #""  a\u0000b\r\n\u2028c\u0085 ""#,
                content: #"{"environment":{"id":"uat\u00001"}}"#))
        #expect(change.component == "a b   c")
        #expect(change.environmentName == "uat 1")
        #expect(change.summary == "service a b   c deployed")
        let accents = "e" + String(repeating: "\u{301}", count: 100_000)
        let accented = try self.change(Self.event(id: "\"\(accents)\""))
        #expect(accented.component?.unicodeScalars.count == 500)
        #expect(accented.summary.unicodeScalars.count == 500)
    }

    @Test("Who did it and from which repository is read from custom data, in whatever form that is")
    func attribution() throws {
        let said = try change(
            Self.event(more: #","customData":{"actor":"octo","repository":"acme/shop"}"#))
        #expect(said.actor == "octo")
        #expect(said.repository == "acme/shop")
        for data in [#""e30=""#, "null", "[]", #"{"actor":{"login":"octo"},"repository":7}"#] {
            let unsaid = try change(Self.event(more: ",\"customData\":\(data)"))
            #expect(unsaid.actor == nil)
            #expect(unsaid.repository == nil)
        }
    }

    @Test(
        "Only an address of the web is kept as a link",
        arguments: [
            ("https://example.org/e", true), ("HTTP://example.org", true),
            ("javascript:alert(1)", false), ("data:text/html,x", false), ("/local", false),
            ("", false),
        ])
    func links(url: String, isKept: Bool) throws {
        let change = try change(
            Self.event("environment.modified.0.2.0", content: #"{"url":"\#(url)"}"#))
        #expect(change.url == (isKept ? url : nil))
        #expect(change.summary == "environment shop modified")
        #expect(change.kind == .infrastructure)
    }
}
