/// What the text of one cell holds.
enum CellText {
    /// The cell without white space (no-break space included) at its ends, and with every line end
    /// as LF: spreadsheets turn one into the other when they save.
    static func cleaned(_ cell: String) -> String {
        let bytes = cell.utf8
        guard let first = bytes.first, let last = bytes.last else { return cell }
        // Nearly all cells are clean: no byte to trim at either end, no CR within.
        let clean = first > 0x20 && first < 0x7F && last > 0x20 && last < 0x7F
        if clean, !bytes.contains(0x0D) { return cell }
        return trimmed(unifiedLineEnds(cell)[...])
    }

    /// The text without white space at its ends.
    static func trimmed(_ text: Substring) -> String {
        var rest = text
        while let first = rest.first, first.isWhitespace { rest.removeFirst() }
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return String(rest)
    }

    /// The pieces of a list separated by `;` `,` or white space.
    static func list(_ cell: String) -> [Substring] {
        // Most lists are one key, and classifying characters is slow.
        let isOne = cell.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x2C && $0 != 0x3B }
        if isOne { return cell.isEmpty ? [] : [cell[...]] }
        return cell.split { $0 == ";" || $0 == "," || $0.isWhitespace }
    }

    /// Labels written `k:v`, separated like a list.
    ///
    /// - Throws: ``CellFault`` for a piece without key or value, and for a key given twice.
    static func labels(_ cell: String) throws(CellFault) -> [String: String] {
        var labels: [String: String] = [:]
        for piece in list(cell) {
            let sides = piece.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2, !sides[0].isEmpty, !sides[1].isEmpty else {
                throw CellFault(
                    "labels: “\(piece)” is not key:value; write for example area:billing")
            }
            guard labels.updateValue(String(sides[1]), forKey: String(sides[0])) == nil else {
                throw CellFault("labels: “\(sides[0])” is given twice; keep one")
            }
        }
        guard labels.count <= Limits.labels else {
            throw CellFault("labels: \(labels.count), more than \(Limits.labels); drop some")
        }
        return labels
    }

    /// A whole number in a range, nil when empty.
    ///
    /// - Throws: ``CellFault`` when it is no such number.
    static func number(
        _ cell: String, field: String, in range: ClosedRange<Int>
    ) throws(CellFault) -> Int? {
        guard !cell.isEmpty else { return nil }
        guard let number = Int(cell), range.contains(number) else {
            throw CellFault(
                "\(field): “\(cell)” is not a whole number from \(range.lowerBound) "
                    + "to \(range.upperBound)")
        }
        return number
    }

    private static func unifiedLineEnds(_ cell: String) -> String {
        guard cell.utf8.contains(0x0D) else { return cell }
        // CR LF is one character, so two passes over characters do not double it.
        return String(cell.map { $0 == "\r\n" || $0 == "\r" ? "\n" : $0 })
    }
}

/// What is wrong with one cell: field, fault and remedy, as shown in a reject's detail.
struct CellFault: Error, Hashable {
    let detail: String

    init(_ detail: String) {
        self.detail = detail
    }
}
