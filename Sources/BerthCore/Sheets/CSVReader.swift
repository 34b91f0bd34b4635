import Foundation

/// One record of a CSV text.
public struct CSVRecord: Hashable, Sendable {
    /// The line, from 1, on which the record starts.
    public var line: Int
    /// The fields, unquoted and otherwise as written.
    public var fields: [String]
    /// The number, from 1, of the first field with text after its closing quote; that field stands
    /// in ``fields`` exactly as written, quotes included.
    public var brokenField: Int?

    /// A record of these fields.
    public init(line: Int, fields: [String], brokenField: Int? = nil) {
        self.line = line
        self.fields = fields
        self.brokenField = brokenField
    }
}

/// Reads CSV record by record, as RFC 4180 section 2 has it, and as programs really write it.
///
/// Beyond the RFC: any of `,` `;` and tab separates; LF, CR and CRLF end a record; an empty line is
/// no record; spaces around a quoted field are dropped; a quote inside an unquoted field is text.
/// Holds no more than one record besides the text. Copies are independent positions in one text.
public struct CSVReader: Sendable {
    private let bytes: Data
    private let delimiter: UInt8
    private var index: Int
    private var line: Int

    /// A reader at the start of a text.
    ///
    /// - Parameters:
    ///   - bytes: UTF-8 without a byte order mark. Invalid sequences become U+FFFD.
    ///   - delimiter: what separates fields.
    public init(_ bytes: Data, delimiter: CSVDelimiter) {
        self.init(bytes, delimiter: delimiter, from: 0, line: 1)
    }

    init(_ bytes: Data, delimiter: CSVDelimiter, from index: Int, line: Int) {
        self.bytes = bytes
        self.delimiter = delimiter.rawValue
        self.index = index
        self.line = line
    }

    /// The next record, nil at the end.
    ///
    /// - Throws: ``SheetError`` for an unterminated quote, too many fields or too long a field; the
    ///   reader is then of no further use.
    public mutating func next() throws(SheetError) -> CSVRecord? {
        let result = bytes.withUnsafeBytes { raw in
            raw.withMemoryRebound(to: UInt8.self) { buffer in
                Result { () throws(SheetError) in try record(in: buffer) }
            }
        }
        return try result.get()
    }

    private mutating func record(
        in buffer: UnsafeBufferPointer<UInt8>
    ) throws(SheetError) -> CSVRecord? {
        while index < buffer.count, isLineEnd(buffer[index]) { skipLineEnd(in: buffer) }
        guard index < buffer.count else { return nil }
        var record = CSVRecord(line: line, fields: [])
        record.fields.reserveCapacity(16)
        while true {
            guard record.fields.count < Limits.sheetFields else {
                throw .tooManyFields(line: record.line)
            }
            let (text, broken) = try field(in: buffer)
            record.fields.append(text)
            if broken, record.brokenField == nil { record.brokenField = record.fields.count }
            guard index < buffer.count else { return record }
            if buffer[index] == delimiter {
                index += 1
            } else {
                skipLineEnd(in: buffer)
                return record
            }
        }
    }

    /// Reads one field and leaves the position at the delimiter, line end or end of text after it.
    private mutating func field(
        in buffer: UnsafeBufferPointer<UInt8>
    ) throws(SheetError) -> (text: String, broken: Bool) {
        let start = index
        let firstLine = line
        var open = index
        while open < buffer.count, isPadding(buffer[open]) { open += 1 }
        guard open < buffer.count, buffer[open] == Self.quote else {
            skipToFieldEnd(in: buffer)
            return (try text(start..<index, in: buffer, line: firstLine), false)
        }
        index = open + 1
        let content = try quotedContent(in: buffer, openedOn: firstLine)
        while index < buffer.count, isPadding(buffer[index]) { index += 1 }
        if index == buffer.count || buffer[index] == delimiter || isLineEnd(buffer[index]) {
            return (content, false)
        }
        skipToFieldEnd(in: buffer)
        return (try text(start..<index, in: buffer, line: firstLine), true)
    }

    /// Reads from behind an opening quote to behind its closing quote.
    private mutating func quotedContent(
        in buffer: UnsafeBufferPointer<UInt8>, openedOn firstLine: Int
    ) throws(SheetError) -> String {
        // Most quoted fields hold no doubled quote: those are copied in one piece.
        var pieces: [UInt8] = []
        var start = index
        while index < buffer.count {
            let byte = buffer[index]
            if byte == Self.quote {
                let end = index
                index += 1
                guard index < buffer.count, buffer[index] == Self.quote else {
                    if pieces.isEmpty {
                        return try text(start..<end, in: buffer, line: firstLine)
                    }
                    pieces.append(contentsOf: buffer[start..<end])
                    guard pieces.count <= Limits.sheetFieldBytes else {
                        throw .fieldTooLong(line: firstLine)
                    }
                    return String(decoding: pieces, as: UTF8.self)
                }
                pieces.append(contentsOf: buffer[start...end])
                index += 1
                start = index
            } else if isLineEnd(byte) {
                skipLineEnd(in: buffer)
            } else {
                index += 1
            }
        }
        throw .unterminatedQuote(line: firstLine)
    }

    private func text(
        _ range: Range<Int>, in buffer: UnsafeBufferPointer<UInt8>, line: Int
    ) throws(SheetError) -> String {
        guard range.count <= Limits.sheetFieldBytes else { throw .fieldTooLong(line: line) }
        return String(decoding: UnsafeBufferPointer(rebasing: buffer[range]), as: UTF8.self)
    }

    private mutating func skipToFieldEnd(in buffer: UnsafeBufferPointer<UInt8>) {
        while index < buffer.count, buffer[index] != delimiter, !isLineEnd(buffer[index]) {
            index += 1
        }
    }

    private mutating func skipLineEnd(in buffer: UnsafeBufferPointer<UInt8>) {
        let carriageReturn = buffer[index] == 0x0D
        index += 1
        if carriageReturn, index < buffer.count, buffer[index] == 0x0A { index += 1 }
        line += 1
    }

    private func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }

    private func isPadding(_ byte: UInt8) -> Bool {
        byte != delimiter && (byte == 0x20 || byte == 0x09)
    }

    private static let quote = UInt8(ascii: "\"")
}
