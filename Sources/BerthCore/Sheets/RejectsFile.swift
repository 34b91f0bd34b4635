import Foundation

/// The rows of a sheet that were not imported, as a sheet that can be fixed and imported again.
///
/// Its first columns are ``columns``, then come the sheet's own, as they were read. They come first
/// because a row may have more or fewer fields than the header; read again, they are taken off, and
/// `copy` keeps a row apart from its equals that were imported.
public struct RejectsFile: Sendable {
    /// The columns in front of the sheet's own: the line, the place among equal rows, the reason's
    /// code, what is wrong, and what the row met.
    public static let columns = ["line", "copy", "reason", "detail", "met"]

    private var writer: CSVWriter

    /// A file without rejects yet.
    ///
    /// - Parameters:
    ///   - header: the sheet's own headers, such as ``BookingSheet/header``.
    ///   - delimiter: what the sheet is separated by, so that the same program opens both.
    public init(header: [String], delimiter: CSVDelimiter = .comma) {
        writer = CSVWriter(delimiter: delimiter)
        writer.append(Self.columns + header)
    }

    /// Adds one reject.
    public mutating func append(_ reject: SheetReject) {
        let copy = reject.copy.map(String.init) ?? ""
        let reason = reject.reason.rawValue
        writer.append(
            [String(reject.line), copy, reason, reject.detail, reject.met] + reject.fields)
    }

    /// What was added since this was last asked for.
    public mutating func takeData() -> Data {
        defer { writer.bytes = [] }
        return data
    }

    /// The file: UTF-8 with a byte order mark, CRLF, formula-safe.
    public var data: Data { Data(writer.bytes) }
}
