import BerthCore
import Foundation

/// Writes rejected rows as they come: to a file that takes its name when all are in it, so that it may be the imported
/// file itself; of a dry run, to standard error.
struct RejectsWriter {
    private let path: String
    private let dryRun: Bool
    private let progress: ImportProgress
    private var file: RejectsFile
    private var handle: FileHandle?

    /// How many there were.
    private(set) var count = 0

    init(
        _ sheet: SheetOptions, header: [String], delimiter: CSVDelimiter, progress: ImportProgress
    ) {
        path = sheet.rejectsPath
        dryRun = sheet.dryRun
        self.progress = progress
        file = RejectsFile(header: header, delimiter: delimiter)
    }

    private var unfinished: String { path + ".part" }

    /// Adds one.
    mutating func append(_ reject: SheetReject) throws {
        count += 1
        guard !dryRun else {
            progress.say(
                "line \(reject.line): \(reject.reason.rawValue): \(reject.detail)"
                    + (reject.met.isEmpty ? "" : " (\(reject.met))"))
            return
        }
        file.append(reject)
        if handle == nil {
            try Data().write(to: URL(filePath: unfinished))
            handle = try FileHandle(forWritingTo: URL(filePath: unfinished))
        }
        try handle?.write(contentsOf: file.takeData())
    }

    /// Gives the file its name, and says so.
    mutating func finish() throws {
        guard let handle else { return }
        try handle.close()
        self.handle = nil
        guard rename(unfinished, path) == 0 else {
            throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: path])
        }
        FileHandle.standardError.say("The rejected rows are in \(path).")
    }
}
