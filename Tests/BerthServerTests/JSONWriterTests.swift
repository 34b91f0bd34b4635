import BerthCore
import Foundation
import NIOCore
import Testing

@testable import BerthServer

@Suite("Writing JSON")
struct JSONWriterTests {
    private func text(_ write: (inout JSONWriter) -> Void) -> String {
        var json = JSONWriter()
        write(&json)
        return String(buffer: json.buffer)
    }

    @Test("Members and elements are parted by commas, at every level")
    func structure() {
        let written = text { json in
            json.object { json in
                json.member("a", 1)
                json.member("b", String?.none)
                json.member("c", ["x", "y"])
                json.member("d", ["k": "v", "a": "b"])
                json.name("e")
                json.array([1, 2]) { json, number in json.object { $0.member("n", number) } }
                json.name("f")
                json.object { _ in }
                json.name("g")
                json.value(true)
                json.member("h", Date(timeIntervalSince1970: 0))
            }
        }
        #expect(
            written
                == #"{"a":1,"b":null,"c":["x","y"],"d":{"a":"b","k":"v"},"#
                + #""e":[{"n":1},{"n":2}],"f":{},"g":true,"h":"1970-01-01T00:00:00Z"}"#)
    }

    @Test("Numbers are written digit by digit, however long they are")
    func numbers() {
        for number in [0, 7, 10, 99, 100, -1, -10, 1_234_567_890, Int.max, Int.min] {
            #expect(text { $0.value(number) } == String(number))
        }
        #expect(text { $0.array([[], [1], [-2, 30]]) { $0.value($1) } } == "[[],[1],[-2,30]]")
        #expect(text { $0.value(UInt64.max) } == String(UInt64.max))
    }

    @Test("Any text survives, as a parser that is not ours reads it")
    func escaping() throws {
        var scalars = (0..<0x80).compactMap(Unicode.Scalar.init).map(String.init).joined()
        scalars += "é😀\u{2028}\u{2029}\u{FFFF}"
        let written = text { $0.value([scalars]) }
        let read = try JSONSerialization.jsonObject(with: Data(written.utf8)) as? [String]
        #expect(read == [scalars])
    }

    @Test("What was parsed is written again the same")
    func roundTrip() throws {
        let source = #"{"a":[null,true,-0.5e3,"x\n"],"b":{"c":{}}}"#
        let value = try JSONParser.parse(ByteBuffer(string: source)).value
        #expect(text { $0.value(value) } == source)
    }

    @Test("A change shows what differs, with both values")
    func changes() throws {
        let old = JSONObject(members: [
            .init(name: "a", value: .number("1")), .init(name: "b", value: .null),
            .init(name: "version", value: .number("1")),
        ])
        let new = JSONObject(members: [
            .init(name: "a", value: .number("1")), .init(name: "b", value: .string("x")),
            .init(name: "version", value: .number("2")),
        ])
        #expect(
            text { $0.changes(from: old, to: new, except: ["version"]) }
                == #"{"b":{"from":null,"to":"x"}}"#)
        #expect(text { $0.changes(from: nil, to: new, except: []) } == "{}")
    }
}
