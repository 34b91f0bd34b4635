/// Steps through the bytes of a short text that is mostly digits.
struct DigitScanner {
    private let bytes: String.UTF8View
    private var index: String.UTF8View.Index

    init(_ text: String) {
        bytes = text.utf8
        index = bytes.startIndex
    }

    var isAtEnd: Bool { index == bytes.endIndex }

    /// The number that exactly so many digits make; nil when fewer are there.
    mutating func number(_ width: Int) -> Int? {
        number(atLeast: width, atMost: width)
    }

    /// The number that the next digits make, as many as there are up to `most`.
    mutating func number(atLeast least: Int, atMost most: Int) -> Int? {
        var value = 0
        var count = 0
        while count < most, index < bytes.endIndex, (0x30...0x39).contains(bytes[index]) {
            value = value * 10 + Int(bytes[index] - 0x30)
            index = bytes.index(after: index)
            count += 1
        }
        return count >= least ? value : nil
    }

    /// Steps over one ASCII character, if it is next.
    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard index < bytes.endIndex, bytes[index] == UInt8(ascii: character) else { return false }
        index = bytes.index(after: index)
        return true
    }

    /// Steps over a text, if it is next; capital and small ASCII letters are alike.
    mutating func skip(text: String) -> Bool {
        var ahead = index
        for expected in text.utf8 {
            guard ahead < bytes.endIndex, Self.folded(bytes[ahead]) == Self.folded(expected) else {
                return false
            }
            ahead = bytes.index(after: ahead)
        }
        index = ahead
        return true
    }

    private static func folded(_ byte: UInt8) -> UInt8 {
        (0x41...0x5A).contains(byte) ? byte + 0x20 : byte
    }
}
