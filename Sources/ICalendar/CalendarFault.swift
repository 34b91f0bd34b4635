/// Why a calendar, or one event of it, is not taken, and on which line.
public struct CalendarFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// From 1; of a folded line, the first.
    public let line: Int
    /// What is wrong, and the remedy.
    public let detail: String
    /// The UID of the event that is refused, where one event is.
    public let uid: String?

    /// A fault of a line.
    public init(line: Int, detail: String, uid: String? = nil) {
        self.line = line
        self.detail = detail
        self.uid = uid
    }

    /// The line and what is wrong with it.
    public var description: String { "line \(line): \(detail)" }
}
