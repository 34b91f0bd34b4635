import BerthCore
import Foundation

/// Where a page ended, as callers see it: opaque, of one list, and refused when a hand has changed
/// it.
enum Cursor {
    /// A position in a list as base64url.
    static func encoded(_ position: String, of list: String) -> String {
        var bytes = Data(checksum(position, of: list))
        bytes.append(contentsOf: position.utf8)
        return bytes.base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// The position that a cursor of that list stands for; nil for anything else.
    static func decoded(_ cursor: String, of list: String) -> String? {
        guard cursor.utf8.count <= 1000 else { return nil }
        var text = cursor.replacing("-", with: "+").replacing("_", with: "/")
        text += String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        guard let bytes = Data(base64Encoded: text), bytes.count > 4,
            let position = String(validating: bytes.dropFirst(4), as: UTF8.self),
            bytes.prefix(4).elementsEqual(checksum(position, of: list))
        else { return nil }
        return position
    }

    /// FNV-1a: it finds slips of the hand, and is no secret. A forged cursor only names another
    /// place in a list that the caller may read.
    private static func checksum(_ position: String, of list: String) -> [UInt8] {
        var hash: UInt32 = 2_166_136_261
        for byte in Array(list.utf8) + [0] + Array(position.utf8) {
            hash = (hash ^ UInt32(byte)) &* 16_777_619
        }
        return withUnsafeBytes(of: hash.bigEndian, Array.init)
    }
}
