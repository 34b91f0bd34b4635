/// Which field of a row holds which column.
struct SheetHeader<Column: SheetColumn> {
    /// Headers that name no column, as written; their fields are ignored.
    let ignored: [String]
    private let positions: [Column: Int]

    /// Matches headers to columns, trimmed and whatever their case. A name given for a column wins
    /// over a header that would be it by itself.
    init(_ headers: [String], names: SheetColumnNames) throws(SheetHeaderError) {
        let folded = headers.map { CellText.trimmed($0[...]).lowercased() }
        var positions = try Self.named(names, in: folded, headers: headers)
        for column in Column.allCases where positions[column] == nil {
            let known = Set(([column.rawValue] + column.aliases).map { $0.lowercased() })
            let taken = Set(positions.values)
            let found = folded.indices.filter { known.contains(folded[$0]) && !taken.contains($0) }
            guard found.count <= 1 else {
                throw .twice(column: column.rawValue, headers: found.map { headers[$0] })
            }
            positions[column] = found.first
        }
        let missing = Column.required.filter { choice in
            choice.allSatisfy { positions[$0] == nil }
        }
        guard missing.isEmpty else {
            throw .missing(
                columns: missing.map { $0.map(\.rawValue).joined(separator: " or ") },
                present: headers)
        }
        let used = Set(positions.values)
        self.positions = positions
        self.ignored = headers.indices
            .filter { !used.contains($0) && !folded[$0].isEmpty }
            .map { headers[$0] }
    }

    private static func named(
        _ names: SheetColumnNames, in folded: [String], headers: [String]
    ) throws(SheetHeaderError) -> [Column: Int] {
        var positions: [Column: Int] = [:]
        for pair in names.pairs {
            let wanted = pair.column.lowercased()
            let match = Column.allCases.first { column in
                ([column.rawValue] + column.aliases).contains { $0.lowercased() == wanted }
            }
            guard let column = match else {
                throw .unknownColumn(pair.column, known: Column.allCases.map(\.rawValue))
            }
            let found = folded.indices.filter { folded[$0] == pair.header.lowercased() }
            guard let position = found.first else {
                throw .noSuchHeader(pair.header, column: column.rawValue, present: headers)
            }
            guard found.count == 1, positions[column] == nil,
                !positions.values.contains(position)
            else {
                throw .twice(column: column.rawValue, headers: [pair.header])
            }
            positions[column] = position
        }
        return positions
    }

    /// The cells of a row that has as many fields as the header.
    func cells(of fields: [String]) -> SheetCells<Column> {
        SheetCells(positions: positions, cells: fields.map(CellText.cleaned))
    }
}

/// The cells of one row by column, trimmed.
struct SheetCells<Column: SheetColumn> {
    fileprivate let positions: [Column: Int]
    fileprivate let cells: [String]

    /// Empty where the sheet has no such column.
    subscript(column: Column) -> String {
        positions[column].map { cells[$0] } ?? ""
    }
}

/// Why a sheet's header cannot be used.
public enum SheetHeaderError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A piece of `--columns` that is not `column=header`.
    case malformedNames(String)
    /// `--columns` names a column that this kind of sheet does not have.
    case unknownColumn(String, known: [String])
    /// `--columns` names a header that the sheet does not have.
    case noSuchHeader(String, column: String, present: [String])
    /// Two headers for one column, or one header for two columns.
    case twice(column: String, headers: [String])
    /// Required columns that no header stands for.
    case missing(columns: [String], present: [String])

    /// What is wrong, and the remedy.
    public var description: String {
        switch self {
        case .malformedNames(let piece):
            "--columns: “\(piece)” is not column=header; write for example from=Beginn,to=Ende"
        case .unknownColumn(let column, let known):
            "--columns: there is no column \(column); the columns are \(Self.list(known))"
        case .noSuchHeader(let header, let column, let present):
            "--columns: no header “\(header)” for \(column); the sheet has \(Self.list(present))"
        case .twice(let column, let headers):
            "the header \(Self.list(headers)) makes the column \(column) unclear; "
                + "say with --columns \(column)=HEADER which one it is, each header once"
        case .missing(let columns, let present):
            "the sheet has no column \(columns.joined(separator: ", ")), only "
                + "\(Self.list(present)); name the headers, as in "
                + "--columns \(columns.map(Self.example).joined(separator: ","))"
        }
    }

    private static func list(_ names: [String]) -> String {
        names.map { "“\($0)”" }.joined(separator: ", ")
    }

    private static func example(_ choice: String) -> String {
        "\(choice.prefix { $0 != " " })=HEADER"
    }
}
