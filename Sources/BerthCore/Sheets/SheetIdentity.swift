import Foundation

/// What a row of a sheet is known by, so that importing it again books nothing twice: its content,
/// and its place among rows of equal content.
///
/// Content is the cells of the known columns, trimmed, in NFC (macOS and others spell one name
/// differently), empty ones left out: the order of columns, other headers, added columns that are
/// empty or unknown, and the delimiter change nothing.
public struct SheetIdentity: Hashable, Sendable {
    /// `berth-row/1`, then a line `name bytes:cell` for each cell that is not empty, in the order
    /// of the columns' declaration. Lengths make it unambiguous.
    public let content: String
    /// From 1: the first row of this content, the second, …
    public let copy: Int

    /// What to hash, or to keep as it is: the content, then the copy.
    public var text: String { content + "copy \(copy)\n" }

    /// The same, as bytes.
    public var canonicalBytes: [UInt8] { Array(text.utf8) }

    /// The canonical content of a row.
    static func content<Column>(_ cells: SheetCells<Column>) -> String {
        var text = "berth-row/1\n"
        for column in Column.allCases {
            let cell = cells[column]
            if cell.isEmpty { continue }
            let isASCII = cell.utf8.allSatisfy { $0 < 0x80 }
            let normal = isASCII ? cell : cell.precomposedStringWithCanonicalMapping
            text += "\(column.rawValue) \(normal.utf8.count):\(normal)\n"
        }
        return text
    }
}

/// Counts equal rows while a sheet is read.
struct SheetCopies {
    /// The copies given: all before `next`, and some that were stated ahead of it.
    fileprivate struct Given {
        var next = 1
        var ahead: Set<Int> = []
    }

    /// Two hashes of a content stand for it: a sheet of millions of rows is not kept to tell equal ones apart.
    private struct Content: Hashable {
        let one: Int
        let other: Int

        init(_ text: String) {
            one = text.hashValue
            var hasher = Hasher()
            hasher.combine(1)
            hasher.combine(text)
            other = hasher.finalize()
        }
    }

    private var given: [Content: Given] = [:]

    /// The identity of the next row of this content. Amortised O(1).
    ///
    /// - Parameter stated: the copy that a rejects file says the row was. Where an earlier row has
    ///   it already, because two rows were made equal by hand, the next free one is given: a row
    ///   must never pass for another.
    mutating func identity(of content: String, stated: Int?) -> SheetIdentity {
        let copy = given[Content(content), default: Given()].take(stated)
        return SheetIdentity(content: content, copy: copy)
    }
}

extension SheetCopies.Given {
    fileprivate mutating func take(_ stated: Int?) -> Int {
        if let stated, stated > next, ahead.insert(stated).inserted { return stated }
        while ahead.remove(next) != nil { next += 1 }
        next += 1
        return next - 1
    }
}
