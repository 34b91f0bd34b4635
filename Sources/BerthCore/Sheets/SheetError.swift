/// Why a whole file cannot be read as a sheet; nothing of it may then be imported.
public enum SheetError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Longer than ``Limits/sheetBytes``.
    case tooLarge(bytes: Int)
    /// No header row.
    case empty
    /// The byte at this offset (from 0, byte order mark included) is no UTF-8.
    case notUTF8(offset: Int, line: Int)
    /// Announced as UTF-16 by its byte order mark, and is none.
    case notUTF16
    /// A NUL character, which no text column can hold.
    case nul(offset: Int, line: Int)
    /// A quoted field that starts on this line and never ends.
    case unterminatedQuote(line: Int)
    /// A row of more than ``Limits/sheetFields`` fields.
    case tooManyFields(line: Int)
    /// A field of more than ``Limits/sheetFieldBytes``.
    case fieldTooLong(line: Int)
    /// The header cannot be matched to columns.
    case header(SheetHeaderError)

    /// What is wrong, where, and what to do about it.
    public var description: String {
        switch self {
        case .tooLarge(let bytes):
            "the file has \(bytes) bytes, more than \(Limits.sheetBytes); split it"
        case .empty:
            "the file has no header row; its first line names the columns"
        case .notUTF8(let offset, let line):
            "line \(line): byte \(offset) is not UTF-8; save the sheet as “CSV UTF-8”"
        case .notUTF16:
            "the file starts like UTF-16 and is not; save the sheet as “CSV UTF-8”"
        case .nul(let offset, let line):
            "line \(line): byte \(offset) is a NUL; if the sheet is UTF-16 without a byte order "
                + "mark, save it as “CSV UTF-8”"
        case .unterminatedQuote(let line):
            "line \(line): a field opens with a quote that is never closed; close it, "
                + "and double every quote inside a quoted field"
        case .tooManyFields(let line):
            "line \(line): more than \(Limits.sheetFields) fields; look for a wrong delimiter"
        case .fieldTooLong(let line):
            "line \(line): a field of more than \(Limits.sheetFieldBytes) bytes; shorten it, "
                + "or look for a quote that is never closed"
        case .header(let error):
            error.description
        }
    }
}
