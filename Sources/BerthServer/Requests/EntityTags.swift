import BerthCore

/// The value of `If-Match` or `If-None-Match` (RFC 9110, section 13.1).
enum EntityTags: Equatable {
    case any
    /// What stands between the quotes, and whether the tag is weak.
    case tags([Tag])

    /// One entity tag.
    struct Tag: Equatable {
        var value: String
        var isWeak: Bool
    }

    /// Reads a header's value; nil when it is malformed.
    init?(_ header: String) {
        let text = header.trimmingOWS()
        if text == "*" {
            self = .any
            return
        }
        var tags: [Tag] = []
        for element in text.split(separator: ",") {
            var element = element.trimmingOWS()
            let isWeak = element.hasPrefix("W/")
            if isWeak { element = element.dropFirst(2) }
            guard element.utf8.count >= 2, element.hasPrefix("\""), element.hasSuffix("\"") else {
                return nil
            }
            let value = element.dropFirst().dropLast()
            guard !value.contains("\"") else { return nil }
            tags.append(Tag(value: String(value), isWeak: isWeak))
        }
        guard !tags.isEmpty else { return nil }
        self = .tags(tags)
    }

    /// The versions that match strongly, as `If-Match` asks: weak tags never do.
    var versions: [Int] {
        guard case .tags(let tags) = self else { return [] }
        return tags.filter { !$0.isWeak }.compactMap { tag in
            Int(tag.value).flatMap { String($0) == tag.value ? $0 : nil }
        }
    }

    /// Whether a tag of a text matches weakly, as `If-None-Match` asks.
    func includes(_ value: String) -> Bool {
        switch self {
        case .any: true
        case .tags(let tags): tags.contains { $0.value == value }
        }
    }

    /// Whether a version matches weakly, as `If-None-Match` asks.
    func includes(version: Int) -> Bool {
        includes(String(version))
    }
}

extension StringProtocol {
    /// Without spaces and tabs at both ends.
    func trimmingOWS() -> SubSequence {
        let start = drop { $0 == " " || $0 == "\t" }
        guard let last = start.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return start }
        return start[...last]
    }
}
