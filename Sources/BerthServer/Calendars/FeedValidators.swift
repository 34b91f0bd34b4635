import BerthCore
import BerthDatabase
import Crypto
import Foundation
import HTTPTypes

/// What tells whether a client has a feed as it is (RFC 9110, section 8.8): a strong entity tag, and the time of the
/// last change.
struct FeedValidators {
    let tag: String
    /// The last change of a record, or of the day, which lets the past drop out.
    let modifiedAt: Date
    private let isStillTheSecondOfIt: Bool

    /// The validators of a feed on the day of an instant.
    init(_ status: FeedStatus, _ publicURL: PublicURL, now: Date) {
        let day = FeedHorizon(now).day
        modifiedAt = max(status.changedAt ?? day, day)
        isStillTheSecondOfIt = now.timeIntervalSince(modifiedAt) < 1
        let number = Int(day.timeIntervalSince1970) / 86_400
        tag = "\(Feed.format)-\(number)-\(status.changes)-\(publicURL.tag)"
    }

    var headers: HTTPFields {
        // More may change in the second of an answer, and be missing in it: until it is over, the one before is told.
        let known = isStillTheSecondOfIt ? modifiedAt.addingTimeInterval(-1) : modifiedAt
        return [.eTag: "\"\(tag)\"", .lastModified: HTTPDate.text(known)]
    }

    /// Whether the client has it already. A tag decides alone where there is one (RFC 9110, section 13.2.2). A time
    /// has whole seconds.
    func areKnown(to headers: HTTPFields) -> Bool {
        if let header = headers[.ifNoneMatch] {
            return EntityTags(header)?.includes(tag) ?? false
        }
        guard let header = headers[.ifModifiedSince],
            let since = HTTPDate.instant(header)
        else { return false }
        return modifiedAt.timeIntervalSince1970.rounded(.down) <= since.timeIntervalSince1970
    }
}

/// Where people reach Berth.
struct PublicURL: Sendable {
    /// Without a slash at the end.
    let text: String
    /// Part of the tag of every feed: links begin with the URL, so that another one makes other bytes.
    let tag: String

    init(_ text: String) {
        self.text = text.hasSuffix("/") ? String(text.dropLast()) : text
        tag = SHA256.hash(data: Data(self.text.utf8)).prefix(3)
            .map { String($0, radix: 16) }.joined()
    }
}
