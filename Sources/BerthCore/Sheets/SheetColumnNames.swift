import Foundation

/// Headers that a person gave for columns: the value of `--columns from=Beginn,to=Ende`.
public struct SheetColumnNames: Hashable, Sendable {
    /// A column's name as given, and the header that holds it, in the order given.
    public struct Pair: Hashable, Sendable {
        /// The column's name, not yet known to be one.
        public let column: String
        /// The header in the sheet.
        public let header: String
    }

    /// The pairs as given.
    public let pairs: [Pair]

    /// No names: headers stand for themselves.
    public static let none = SheetColumnNames(pairs: [])

    private init(pairs: [Pair]) {
        self.pairs = pairs
    }

    /// Reads `column=header` pairs separated by commas. A header with a comma is written with its
    /// pair in quotes: `from=Beginn,"to=Ende, Ortszeit"`.
    ///
    /// - Throws: ``SheetHeaderError/malformedNames(_:)`` naming the piece that is no pair.
    public init(_ text: String) throws(SheetHeaderError) {
        var reader = CSVReader(Data(text.utf8), delimiter: .comma)
        guard let record = try? reader.next() else { throw .malformedNames(text) }
        var pairs: [Pair] = []
        for piece in record.fields {
            let sides = piece.split(separator: "=", maxSplits: 1).map(CellText.trimmed)
            guard sides.count == 2, !sides[0].isEmpty, !sides[1].isEmpty else {
                throw .malformedNames(piece)
            }
            pairs.append(Pair(column: sides[0], header: sides[1]))
        }
        self.pairs = pairs
    }
}
