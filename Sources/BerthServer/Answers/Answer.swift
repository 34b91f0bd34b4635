import BerthDatabase
import Foundation
import HTTPTypes
import Hummingbird

/// An answer in JSON, as far as it is the same each time it is repeated.
struct Answer {
    var status: HTTPResponse.Status
    /// The path of what was made.
    var location: String?
    var etag: String?
    var body: ByteBuffer

    /// An answer whose body is written now. The version becomes its `ETag`.
    init(
        _ status: HTTPResponse.Status = .ok, version: Int? = nil, location: String? = nil,
        writing write: (inout JSONWriter) -> Void
    ) {
        var json = JSONWriter()
        write(&json)
        self.status = status
        self.location = location
        etag = version.map { "\"\($0)\"" }
        body = json.buffer
    }

    /// An answer that was given before.
    init(kept: KeptAnswer) {
        status = HTTPResponse.Status(code: kept.status)
        location = kept.location
        etag = kept.etag
        body = ByteBuffer(bytes: kept.body)
    }

    /// What is kept of it, to be given again.
    var kept: KeptAnswer {
        KeptAnswer(
            status: status.code, location: location, etag: etag, body: Data(body.readableBytesView))
    }

    /// What goes to the caller.
    var response: Response {
        var headers = HTTPFields()
        headers.reserveCapacity(8)
        headers.append(HTTPField(name: .contentType, value: "application/json"))
        if let etag { headers.append(HTTPField(name: .eTag, value: etag)) }
        if let location { headers.append(HTTPField(name: .location, value: location)) }
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: body))
    }
}

extension Once {
    /// What goes to the caller: what was done now, or the answer that was given before.
    func response(_ answer: (Value) -> Answer) -> Response {
        switch self {
        case .done(let value): answer(value).response
        case .again(let kept): Answer(kept: kept).response
        }
    }
}

extension Response {
    /// What the caller has is what there is.
    static func notModified(version: Int) -> Response {
        Response(status: .notModified, headers: [.eTag: "\"\(version)\""])
    }

    /// A page of a list, with a link to the next.
    static func page<Item>(
        _ listing: Listing<Item>, of list: String, _ call: Call, _ query: Query,
        _ write: (inout JSONWriter, Item) -> Void
    ) -> Response {
        let cursor = listing.next.map { Cursor.encoded($0, of: list) }
        let answer = Answer { json in
            json.object { json in
                json.name("items")
                json.array(listing.items, write)
                json.member("nextCursor", cursor)
            }
        }
        var response = answer.response
        if let cursor {
            let target = "\(call.request.uri.path)?\(query.encoded(cursor: cursor))"
            response.headers.append(HTTPField(name: .link, value: "<\(target)>; rel=\"next\""))
        }
        return response
    }
}
