import Foundation

/// The bytes of a sheet as UTF-8 without a byte order mark, known to be valid.
///
/// UTF-8, and UTF-16 with its byte order mark (what Excel calls “Unicode text”), are read.
/// Windows-1252 is not: every file decodes as some single-byte code page, so a wrong guess would
/// spoil names without a word.
struct SheetText {
    /// The file itself where it is UTF-8, mapped if that was.
    let bytes: Data

    /// - Throws: ``SheetError`` for size, encoding and NUL.
    init(_ data: Data) throws(SheetError) {
        guard data.count <= Limits.sheetBytes else { throw .tooLarge(bytes: data.count) }
        if data.starts(with: [0xFF, 0xFE]) || data.starts(with: [0xFE, 0xFF]) {
            bytes = try Self.fromUTF16(data)
        } else {
            let mark = data.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
            bytes = data.dropFirst(mark)
            if let fault = Self.firstFault(in: bytes) {
                let line = Self.line(of: fault, in: bytes)
                if bytes[bytes.startIndex + fault] == 0 {
                    throw .nul(offset: fault + mark, line: line)
                }
                throw .notUTF8(offset: fault + mark, line: line)
            }
        }
    }

    private static func fromUTF16(_ data: Data) throws(SheetError) -> Data {
        guard data.count % 2 == 0 else { throw .notUTF16 }
        let big = data.starts(with: [0xFE, 0xFF])
        let raw = [UInt8](data)
        let (high, low) = big ? (0, 1) : (1, 0)
        var units: [UInt16] = []
        units.reserveCapacity(raw.count / 2)
        for index in stride(from: 2, to: raw.count, by: 2) {
            units.append(UInt16(raw[index + high]) << 8 | UInt16(raw[index + low]))
        }
        guard let text = String(validating: units, as: UTF16.self) else { throw .notUTF16 }
        let bytes = Data(text.utf8)
        if let nul = bytes.firstIndex(of: 0) {
            throw .nul(offset: nul, line: line(of: nul, in: bytes))
        }
        return bytes
    }

    private static func line(of offset: Int, in bytes: Data) -> Int {
        let start = bytes.startIndex
        var line = 1
        for index in start..<start + offset {
            let byte = bytes[index]
            if byte == 0x0A || (byte == 0x0D && bytes[index + 1] != 0x0A) { line += 1 }
        }
        return line
    }

    /// The offset of the first byte that starts no valid sequence (Unicode, table 3-7) or is NUL.
    private static func firstFault(in bytes: Data) -> Int? {
        bytes.withUnsafeBytes { buffer in
            var index = 0
            while index < buffer.count {
                let lead = buffer[index]
                if lead != 0, lead < 0x80 {
                    index += 1
                    continue
                }
                guard let length = sequenceLength(at: index, in: buffer) else { return index }
                index += length
            }
            return nil
        }
    }

    private static func sequenceLength(
        at index: Int, in buffer: UnsafeRawBufferPointer
    ) -> Int? {
        let lead = buffer[index]
        let length: Int
        // The second byte's range keeps out overlong forms, surrogates and all above U+10FFFF.
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch lead {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        case 0xF1...0xF3: length = 4
        default: return nil
        }
        guard index + length <= buffer.count, second.contains(buffer[index + 1]) else { return nil }
        for offset in 2..<max(2, length) where buffer[index + offset] & 0xC0 != 0x80 {
            return nil
        }
        return length
    }
}
