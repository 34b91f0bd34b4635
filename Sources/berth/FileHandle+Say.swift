import Foundation

extension FileHandle {
    /// Writes all of a text; a reader that went away is not an error of ours.
    func say(_ text: String) {
        try? write(contentsOf: Data((text + "\n").utf8))
    }

    /// Whether a person watches.
    var isTerminal: Bool { isatty(fileDescriptor) == 1 }
}
