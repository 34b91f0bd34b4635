/// A media type as `Content-Type` names it (RFC 9110, section 8.3.1).
struct MediaType {
    /// In lower case, without parameters.
    let name: String
    /// Whether it says a charset that is not UTF-8. JSON has none (RFC 8259, section 11), so of
    /// JSON that is a mistake.
    let hasForeignCharset: Bool

    /// Reads a header's value; any text names some type.
    init(_ header: String) {
        let type = header.prefix { $0 != ";" }
        name = type.trimmingOWS().lowercased()
        let parameters = header.dropFirst(type.count).lowercased()
        hasForeignCharset = parameters.contains("charset") && !parameters.contains("utf-8")
    }

    /// Whether what it names is JSON (RFC 6839, section 3.1).
    var isJSON: Bool {
        name == "application/json" || name.hasSuffix("+json")
    }
}
