import BerthDatabase
import Hummingbird

extension Response {
    /// A page of versions, the newest first, each written beside the one before it.
    static func history<Version>(
        _ listing: Listing<Version>, older: Version?, of list: String, _ call: Call, _ query: Query,
        _ write: (inout JSONWriter, Version, Version?) -> Void
    ) -> Response {
        var index = 0
        return page(listing, of: list, call, query) { json, version in
            index += 1
            write(&json, version, index < listing.items.count ? listing.items[index] : older)
        }
    }
}
