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
        // An empty element of a list is ignored (RFC 9110, section 5.6.1).
        var rest = text.withoutCommas
        while !rest.isEmpty {
            let isWeak = rest.hasPrefix("W/")
            if isWeak { rest = rest.dropFirst(2) }
            // A comma may stand inside a tag; only a quote ends it.
            guard rest.first == "\"", let end = rest.dropFirst().firstIndex(of: "\"") else {
                return nil
            }
            let value = rest.dropFirst()[..<end]
            tags.append(Tag(value: String(value), isWeak: isWeak))
            rest = rest[rest.index(after: end)...].trimmingOWS()
            guard rest.isEmpty || rest.hasPrefix(",") else { return nil }
            rest = rest.withoutCommas
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

extension Substring {
    /// Without commas at the start, and what is blank between them.
    fileprivate var withoutCommas: Substring {
        drop { $0 == "," || $0 == " " || $0 == "\t" }
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
