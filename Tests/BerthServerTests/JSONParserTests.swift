import Foundation
import NIOCore
import Testing

@testable import BerthServer

@Suite("Reading JSON")
struct JSONParserTests {
    private func parse(_ text: String) throws -> JSONValue {
        try JSONParser.parse(ByteBuffer(string: text)).value
    }

    private func refusal(of bytes: [UInt8]) -> JSONFault? {
        #expect(throws: JSONFault.self) { try JSONParser.parse(ByteBuffer(bytes: bytes)) }
    }

    private func refusal(of text: String) -> JSONFault? {
        refusal(of: Array(text.utf8))
    }

    @Test("Every kind of value is read, numbers with their digits")
    func values() throws {
        let value = try parse(
            #" { "a" : [ null , true , false , -0.50e+3 , "x" ] , "b" : { } , "c" : [ ] } "#)
        guard case .object(let object) = value else {
            Issue.record("\(value)")
            return
        }
        #expect(
            object["a"]
                == .array([.null, .bool(true), .bool(false), .number("-0.50e+3"), .string("x")]))
        #expect(object["b"] == .object(JSONObject()))
        #expect(object["c"] == .array([]))
    }

    @Test("Escapes are read, surrogate pairs too")
    func escapes() throws {
        #expect(
            try parse(#""a\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00z""#)
                == .string("a\"\\/\u{8}\u{C}\n\r\té😀z"))
    }

    @Test(
        "What is not JSON is refused",
        arguments: [
            "", " ", "{", "[1,]", "[1 2]", "{\"a\":}", "{\"a\" 1}", "{a:1}", "{\"a\":1,}", "01",
            "1.",
            "1e", "-", "+1", ".5", "tru", "nulll", "\"abc", "\"\\x\"", "\"\\u12g4\"", "\"\\ud800\"",
            "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"a\nb\"", "[] []", "'a'", "NaN", "\u{FEFF}{}",
        ])
    func malformed(text: String) {
        _ = refusal(of: text)
    }

    @Test(
        "Bytes that are no UTF-8 are refused",
        arguments: [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80]])
    func notUTF8(bytes: [UInt8]) {
        #expect(refusal(of: [0x22] + bytes + [0x22])?.reason == "a string is not UTF-8")
    }

    @Test("A fault says where it is")
    func position() throws {
        let fault = try #require(refusal(of: "{\n  \"a\": 1,\n  \"b\" 2\n}"))
        #expect(fault == JSONFault(reason: "a colon is missing", line: 3, column: 7))
    }

    @Test("Depth is bounded before the stack is", arguments: [33, 10_000, 1_000_000])
    func depth(levels: Int) throws {
        for bracket in ["[", "{\"a\":"] {
            let fault = try #require(refusal(of: String(repeating: bracket, count: levels)))
            #expect(fault.reason == "it nests deeper than 32")
        }
    }

    @Test("A text of the greatest depth is read")
    func greatestDepth() throws {
        _ = try parse(String(repeating: "[", count: 32) + String(repeating: "]", count: 32))
    }

    @Test("Repeated names are found with their pointers, among many names too")
    func repetition() throws {
        let small = try JSONParser.parse(
            ByteBuffer(string: #"{"a":1,"b":[{"x/y":1,"x/y":2}],"a":2}"#))
        #expect(small.hasRepetition)
        #expect(small.value.repeatedMembers() == ["/b/0/x~1y", "/a"])

        let names = (0..<50_000).map { "\"n\($0)\":0" }.joined(separator: ",")
        let unique = try JSONParser.parse(ByteBuffer(string: "{\(names)}"))
        #expect(!unique.hasRepetition)
        let repeated = try JSONParser.parse(ByteBuffer(string: "{\(names),\"n7\":1}"))
        #expect(repeated.hasRepetition)
    }

    @Test("Objects are equal whatever the order of their members")
    func equality() throws {
        #expect(try parse(#"{"a":1,"b":2}"#) == parse(#"{"b":2,"a":1}"#))
        #expect(try parse(#"{"a":1}"#) != parse(#"{"a":1,"b":2}"#))
        #expect(try parse(#"{"a":1}"#) != parse(#"{"a":1.0}"#))
    }
}
