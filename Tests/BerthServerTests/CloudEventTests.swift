import BerthCore
import Foundation
import HTTPTypes
import NIOCore
import Testing

@testable import BerthServer

@Suite("Reading CloudEvents")
struct CloudEventTests {
    private static let structured = "application/cloudevents+json"
    private static let batch = "application/cloudevents-batch+json"
    private static let envelope = #""specversion":"1.0","id":"1","source":"/ci","type":"t""#
    private static let at = Date(timeIntervalSince1970: 1_803_891_600)

    private func read(
        _ body: String, _ type: String?, _ headers: [(String, String)] = []
    ) throws -> [CloudEvent] {
        var fields = HTTPFields()
        if let type { fields[.contentType] = type }
        for (name, value) in headers {
            fields.append(HTTPField(name: try #require(HTTPField.Name(name)), value: value))
        }
        return try CloudEvent.events(in: fields, ByteBuffer(string: body))
    }

    private func faults(
        _ body: String, _ type: String? = structured, _ headers: [(String, String)] = []
    ) -> [String: String] {
        do {
            _ = try read(body, type, headers)
        } catch BerthError.invalid(let faults) {
            return Dictionary(faults.map { ($0.pointer, $0.detail) }) { first, _ in first }
        } catch {
            Issue.record(error)
        }
        return [:]
    }

    private func binary(
        _ changed: (String, String?)..., type: String? = "application/json", body: String = "{}"
    ) -> (body: String, type: String?, headers: [(String, String)]) {
        var headers = [
            "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/ci", "ce-type": "t",
        ]
        for (name, value) in changed { headers[name] = value }
        return (body, type, headers.map { ($0.key, $0.value) })
    }

    @Test("A structured event is read, its fraction of a second floored, extensions passed over")
    func structured() throws {
        let events = try read(
            """
            {"specversion":"1.0","id":"A-1","source":"/ci/shop","type":"t","subject":null,
             "time":"2027-03-01T10:00:00.999999+01:00","traceparent":"x","data":{"a":1}}
            """, "Application/CloudEvents+JSON; charset=utf-8")
        #expect(
            events == [
                CloudEvent(
                    id: "A-1", source: "/ci/shop", type: "t", time: Self.at,
                    data: .object(.init(members: [.init(name: "a", value: .number("1"))])),
                    dataPointer: "/data")
            ])
    }

    @Test(
        "A batch is read in order, also as plain JSON",
        arguments: [batch, "application/json"])
    func batches(type: String) throws {
        let events = try read(
            #"[{\#(Self.envelope)},{"specversion":"1.0","id":"2","source":"/ci","type":"t"}]"#, type
        )
        #expect(events.map(\.id) == ["1", "2"])
        #expect(events.map(\.dataPointer) == ["/0/data", "/1/data"])
        #expect(try read("[]", type).isEmpty)
    }

    @Test("A batch names all the elements that are wrong")
    func batchFaults() {
        let found = faults(
            """
            [{\(Self.envelope)}, {"specversion":"1.0","id":"","type":7,"time":"noon"}, 5,
             {"specversion":"0.3"}, {\(Self.envelope),"data_base64":"e30!"},
             {\(Self.envelope),"data":{},"data_base64":"e30="}]
            """, Self.batch)
        #expect(
            Set(found.keys) == [
                "/1/id", "/1/source", "/1/type", "/1/time", "/2", "/3/specversion",
                "/4/data_base64", "/5/data_base64",
            ])
        #expect(found["/1/source"] == "is required")
        #expect(found["/2"] == "must be an event, and is a number")
    }

    @Test("A batch has at most 1,000 events, and tells at most 50 faults")
    func batchLimits() throws {
        func array(_ element: String, _ count: Int) -> String {
            "[" + Array(repeating: element, count: count).joined(separator: ",") + "]"
        }
        #expect(try read(array("{\(Self.envelope)}", 1_000), Self.batch).count == 1_000)
        #expect(
            faults(array("{\(Self.envelope)}", 1_001), Self.batch)
                == ["": "has 1001 events: the most is 1000"])
        #expect(faults(array("{}", 1_000), Self.batch).count == 50)
        #expect(faults(array("{}", 300_000), Self.batch).keys.sorted() == [""])
        let repeated = "{" + Array(repeating: "\"a\":1", count: 50_000).joined(separator: ",") + "}"
        #expect(throws: BerthError.self) { try read(repeated, Self.structured) }
    }

    @Test(
        "What is no structured event is refused with what is wrong",
        arguments: [
            ("{}", "/specversion"), (#"{"specversion":1.0}"#, "/specversion"), ("[]", ""),
            ("", ""), ("{", ""), (#"{"specversion":"1.0","specversion":"1.0"}"#, "/specversion"),
            (#"{"specversion":"1.0","id":"1","source":"/ci"}"#, "/type"),
            (#"{"specversion":"1.0","id":null,"source":"/ci","type":"t"}"#, "/id"),
            (#"{"specversion":"1.0","id":" ","source":"/ci","type":"t"}"#, "/id"),
            (#"{"specversion":"1.0","id":"a\u0000b","source":"/ci","type":"t"}"#, "/id"),
            (#"{"specversion":"1.0","id":"1","source":"a\nb","type":"t"}"#, "/source"),
            ("{\(envelope),\"data_base64\":7}", "/data_base64"),
            ("{\(envelope),\"data_base64\":\"bm90IEpTT04=\"}", "/data_base64"),
            ("{\(envelope),\"time\":1803891600}", "/time"),
        ])
    func refusals(body: String, pointer: String) {
        #expect(faults(body).keys.sorted() == [pointer])
    }

    @Test(
        "Times have an offset and lie in the years 1970 to 9999, whatever their fraction and offset",
        arguments: [
            ("2027-03-01T09:00:00Z", at), ("2027-03-01T09:00:00.0Z", at),
            ("2027-03-01t09:00:00.123456789012345z", at),
            ("2027-03-02T08:59:00.9+23:59", at), ("2027-02-28T09:01:00-23:59", at),
            ("2027-03-01T09:00:00", nil), ("2027-03-01T09:00:00.5", nil),
            ("2027-03-01T09:00:00.Z", nil), ("2027-03-01T09:00:00,5Z", nil),
            ("2027-03-01T09:00.5Z", nil), ("2027-03-01T09:00:00.5.5Z", nil),
            ("2027-03-01T09:00:00.٣Z", nil), ("2027-03-01T09:00:00+24:00", nil),
            ("1970-01-01T00:00:00+00:01", nil), ("9999-12-31T23:59:59-00:01", nil),
            ("2027-02-29T09:00:00Z", nil), ("", nil),
        ] as [(String, Date?)])
    func times(text: String, expected: Date?) throws {
        let body = "{\(Self.envelope),\"time\":\"\(text)\"}"
        if let expected {
            #expect(try read(body, Self.structured).first?.time == expected)
        } else {
            #expect(faults(body).keys.sorted() == ["/time"])
        }
    }

    @Test("Attributes have at most 1,000 bytes, and none is cut: two events never become one")
    func longAttributes() throws {
        func body(_ id: String) -> String {
            #"{"specversion":"1.0","id":"\#(id)","source":"/ci","type":"t"}"#
        }
        let long = String(repeating: "é", count: 500)
        #expect(try read(body(long), Self.structured).first?.id == long)
        #expect(faults(body(long + "x"))["/id"] == "has 1001 bytes: the most is 1000")
    }

    @Test("Data in base64 is decoded when it is JSON, and passed over when it says it is not")
    func base64() throws {
        let event = try read("{\(Self.envelope),\"data_base64\":\"eyJhIjoxfQ==\"}", Self.structured)
        #expect(
            event.first?.data
                == .object(.init(members: [.init(name: "a", value: .number("1"))])))
        #expect(event.first?.dataPointer == "/data_base64")
        let image =
            "{\(Self.envelope),\"datacontenttype\":\"image/png\",\"data_base64\":\"iVBORw==\"}"
        #expect(try read(image, Self.structured).first?.data == nil)
    }

    @Test("Nesting is bounded, inside data in base64 too", arguments: [33, 100_000])
    func depth(levels: Int) {
        let deep = String(repeating: "[", count: levels)
        #expect(faults("{\(Self.envelope),\"data\":\(deep)").keys.sorted() == [""])
        let encoded = Data(deep.utf8).base64EncodedString()
        #expect(
            faults("{\(Self.envelope),\"data_base64\":\"\(encoded)\"}").keys.sorted()
                == ["/data_base64"])
    }

    @Test("A binary event has its attributes in header fields, unquoted and percent-decoded")
    func binaryEvent() throws {
        let sent = binary(
            ("ce-id", "Euro%20%E2%82%AC%20%F0%9F%98%80"), ("ce-source", #""/ci/\"shop\"%22""#),
            ("ce-time", "2027-03-01T09:00:00.5Z"), ("ce-subject", "x"), body: #"{"a":1}"#)
        #expect(
            try read(sent.body, sent.type, sent.headers) == [
                CloudEvent(
                    id: "Euro € 😀", source: #"/ci/"shop"""#, type: "t", time: Self.at,
                    data: .object(.init(members: [.init(name: "a", value: .number("1"))])),
                    dataPointer: "")
            ])
    }

    @Test(
        "A binary event may have no data, or data that is not JSON",
        arguments: [(nil, ""), ("application/json", ""), ("text/plain; charset=latin1", "héllo")])
    func binaryWithoutJSON(type: String?, body: String) throws {
        let sent = binary(type: type, body: body)
        let events = try read(sent.body, sent.type, sent.headers)
        #expect(events.count == 1)
        #expect(events.first?.data == nil)
    }

    @Test(
        "A header field that is wrong is named",
        arguments: [
            ("ce-id", nil), ("ce-id", ""), ("ce-source", nil), ("ce-type", nil),
            ("ce-specversion", nil), ("ce-specversion", "0.3"), ("ce-time", "yesterday"),
            ("ce-id", "%"), ("ce-id", "%zz"), ("ce-id", "%FF"), ("ce-id", "%C0%A0"),
            ("ce-id", "a%00b"), ("ce-source", "a%0D%0Ab"),
        ] as [(String, String?)])
    func binaryFaults(name: String, value: String?) {
        let sent = binary((name, value))
        #expect(faults(sent.body, sent.type, sent.headers).keys.sorted() == [name])
    }

    @Test(
        "A header field that stands twice is refused, and a body that is not the JSON it should be")
    func binaryRepetition() {
        let sent = binary()
        #expect(
            faults(sent.body, sent.type, sent.headers + [("ce-id", "2")])
                == ["ce-id": "stands twice"])
        let broken = binary(body: "{")
        #expect(faults(broken.body, broken.type, broken.headers).keys.sorted() == [""])
    }

    @Test(
        "A content type that carries no events is unsupported",
        arguments: [
            nil, "", "text/plain", "application/cloudevents+avro", "application/cloudevents",
            "application/cloudevents-batch+protobuf", "application/x-www-form-urlencoded",
            "application/cloudevents+json; charset=latin1", "application/json; charset=utf-16",
        ] as [String?])
    func unsupported(type: String?) {
        let problem = #expect(throws: Problem.self) { try read("{\(Self.envelope)}", type) }
        #expect(problem?.kind == .unsupportedMediaType)
    }
}
