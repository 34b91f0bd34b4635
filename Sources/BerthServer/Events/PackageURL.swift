/// Package URLs (purl), as CDEvents name artifacts: `pkg:oci/shop@sha256%3A0b31…?arch=amd64`.
enum PackageURL {
    /// The version that one names, decoded; nil when it names none. What is no package URL (CDEvents'
    /// text has digests and file names among its examples) stands as it is.
    static func version(_ text: String) -> String? {
        guard text.lowercased().hasPrefix("pkg:") else { return text }
        let path = text.prefix { $0 != "?" && $0 != "#" }
        // A scope may have an @ too: pkg:npm/@angular/core@17.0.1.
        let last = path.split(separator: "/", omittingEmptySubsequences: false).last ?? path
        guard let at = last.lastIndex(of: "@"), at != last.startIndex else { return nil }
        let version = last[last.index(after: at)...]
        return PercentCoding.decoded(version) ?? String(version)
    }
}
