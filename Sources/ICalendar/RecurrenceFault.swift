/// Why a recurrence is not taken: the part, what is wrong with its value, and the remedy.
public struct RecurrenceFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, to be read after the name of the field.
    public let description: String

    /// A fault in those words.
    public init(_ description: String) {
        self.description = description
    }
}
