import Foundation
import Testing

@testable import BerthCore

struct CSVTests {
    static func records(_ text: String, _ delimiter: CSVDelimiter = .comma) throws -> [CSVRecord] {
        var reader = CSVReader(Data(text.utf8), delimiter: delimiter)
        var records: [CSVRecord] = []
        while let record = try reader.next() { records.append(record) }
        return records
    }

    @Test("quotes, doubled quotes and newlines in fields are read, with each record's first line")
    func quoting() throws {
        let records = try Self.records("a,b\r\n\"x \"\"y\"\"\r\nz\",\"1,2\"\r\n\r\nlast,\"\"")
        #expect(
            records == [
                CSVRecord(line: 1, fields: ["a", "b"]),
                CSVRecord(line: 2, fields: ["x \"y\"\r\nz", "1,2"]),
                CSVRecord(line: 5, fields: ["last", ""]),
            ])
    }

    @Test("LF, CR and CRLF end records alike", arguments: ["\n", "\r", "\r\n"])
    func lineEnds(_ end: String) throws {
        let records = try Self.records("a,b" + end + end + "c," + end)
        #expect(
            records == [
                CSVRecord(line: 1, fields: ["a", "b"]), CSVRecord(line: 3, fields: ["c", ""]),
            ])
    }

    @Test("a quote inside an unquoted field is text, and spaces around quotes are dropped")
    func reality() throws {
        #expect(try Self.records("5\" disk, \"a, b\" ,c")[0].fields == ["5\" disk", "a, b", "c"])
    }

    @Test("text after a closing quote marks the field, which stays as written")
    func broken() throws {
        let record = try Self.records("a,\"say \"hi\" now\",c")[0]
        #expect(record.brokenField == 2)
        #expect(record.fields == ["a", "\"say \"hi\" now\"", "c"])
    }

    @Test("an unterminated quote is refused with the line where it opens")
    func unterminated() {
        #expect(throws: SheetError.unterminatedQuote(line: 2)) {
            try Self.records("a\n\"b\nc\nd")
        }
    }

    @Test("fields beyond the limits are refused with their line")
    func limits() throws {
        let long = String(repeating: "x", count: Limits.sheetFieldBytes)
        #expect(try Self.records("a\n" + long).count == 2)
        #expect(throws: SheetError.fieldTooLong(line: 2)) { try Self.records("a\n\(long)x") }
        #expect(throws: SheetError.fieldTooLong(line: 1)) { try Self.records("\"\(long)\"\"\"") }
        let wide = String(repeating: ",", count: Limits.sheetFields - 1)
        #expect(try Self.records(wide + "\n")[0].fields.count == Limits.sheetFields)
        #expect(throws: SheetError.tooManyFields(line: 1)) { try Self.records(wide + ",") }
    }

    @Test("the delimiter is the one that splits the first records alike, outside quotes")
    func detection() {
        let cases: [(String, CSVDelimiter)] = [
            ("a,b,c\n1;2;3;4,x,y\n", .comma),
            ("a;b\n\"1,2,3\";x\n1,5;y\n", .semicolon),
            ("a\tb\tc\n1,2\t\"x;y\"\tz", .tab),
            ("alone\n1\n", .comma),
            ("\"a;b\",c\n1,2", .comma),
            ("a;b;c,d\n1;2;3\n4;5;6", .semicolon),
        ]
        for (text, expected) in cases {
            #expect(CSVDelimiter.detect(in: Data(text.utf8)) == expected, "\(text)")
        }
    }

    @Test("bytes that are no UTF-8 are refused with offset and line")
    func encoding() {
        let bad: [(String, [UInt8])] = [
            ("windows-1252", [0xE4, 0x6E]), ("overlong", [0xC0, 0xAF]),
            ("surrogate", [0xED, 0xA0, 0x80]), ("cut short", [0xE6, 0xB1]),
            ("beyond Unicode", [0xF4, 0x90, 0x80, 0x80]),
        ]
        for (name, bytes) in bad {
            #expect(throws: SheetError.notUTF8(offset: 7, line: 2), "\(name)") {
                try SheetText(Data([0xEF, 0xBB, 0xBF] + Array("ä\r\n".utf8) + bytes))
            }
        }
        #expect(throws: SheetError.nul(offset: 1, line: 1)) { try SheetText(Data("a\0b".utf8)) }
    }

    @Test("UTF-16 with a byte order mark is read, in both byte orders")
    func utf16() throws {
        let units = Array("a;決済😀\n".utf16)
        let little = units.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        let big = units.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
        #expect(try SheetText(Data([0xFF, 0xFE] + little)).bytes == Data("a;決済😀\n".utf8))
        #expect(try SheetText(Data([0xFE, 0xFF] + big)).bytes == Data("a;決済😀\n".utf8))
        #expect(throws: SheetError.notUTF16) { try SheetText(Data([0xFF, 0xFE, 0x00, 0xD8])) }
        #expect(throws: SheetError.notUTF16) { try SheetText(Data([0xFF, 0xFE, 0x41])) }
    }

    @Test("what the writer writes, the reader reads back, and no cell is a formula")
    func roundTrip() throws {
        let cells = [
            "", "plain", " padded ", "=1+1", "+4", "-4", "@x", "\tx", "\rx", "\r\nx", "'=1", "''=1",
            "'quoted'", "O'Neil", "'", "a\"b", "a,b;c\td", "x\r\ny", "=HYPERLINK(\"x\") 1", "決済",
        ]
        for delimiter in CSVDelimiter.allCases {
            var writer = CSVWriter(delimiter: delimiter)
            writer.append(cells)
            writer.append([""])
            var reader = CSVReader(try SheetText(Data(writer.bytes)).bytes, delimiter: delimiter)
            let first = try #require(try reader.next())
            #expect(first.fields.map(FormulaGuard.unguarded) == cells)
            #expect(first.fields.allSatisfy { !"=+-@\t\r\r\n".contains($0.first ?? "x") })
            #expect(try reader.next()?.fields == [""])
            #expect(try reader.next() == nil)
        }
    }
}
