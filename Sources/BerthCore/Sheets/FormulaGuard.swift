/// Keeps a spreadsheet from running a cell as a formula, so that it can be taken back on reading.
///
/// A cell that starts with `=` `+` `-` `@`, tab or CR gets an apostrophe in front, the mark with
/// which spreadsheets themselves keep text from being a formula. So that the guard can be undone,
/// a cell that already looks guarded (apostrophes, then one of these) gets one more. Reading takes
/// one apostrophe from such cells and from no others: `O'Neil` and `'quoted'` stay. Reading what
/// was written gives the same cell, always. A foreign sheet's `'=1` is read as `=1`, which is what
/// its writer meant by the apostrophe.
public enum FormulaGuard {
    /// The cell as it is safe to open in a spreadsheet.
    public static func guarded(_ cell: String) -> String {
        isFormula(cell.utf8[...]) ? "'" + cell : cell
    }

    /// The cell as it was before ``guarded(_:)``.
    public static func unguarded(_ cell: String) -> String {
        guard cell.utf8.first == apostrophe, isFormula(cell.utf8[...]) else { return cell }
        // By bytes, because an apostrophe and CR are two characters but CR and LF are one.
        return String(Substring(cell.utf8.dropFirst()))
    }

    private static let apostrophe = UInt8(ascii: "'")

    private static func isFormula(_ cell: Substring.UTF8View) -> Bool {
        switch cell.first(where: { $0 != apostrophe }) {
        case UInt8(ascii: "="), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "@"): true
        case 0x09, 0x0D: true
        default: false
        }
    }
}
