/// A day of the week, in the order of ISO 8601.
public enum Weekday: Int, Hashable, Sendable, CaseIterable {
    case monday = 1, tuesday, wednesday, thursday, friday, saturday, sunday

    /// As RFC 5545 writes it: `MO` … `SU`.
    public var text: String {
        Self.texts[rawValue - 1]
    }

    /// Reads `MO` … `SU`; nil for anything else.
    public init?(text: some StringProtocol) {
        guard let index = Self.texts.firstIndex(where: { $0 == text }) else { return nil }
        self.init(rawValue: index + 1)
    }

    private static let texts = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
}
