import BerthCore
import HTTPTypes
import Hummingbird

/// One method of one path, who may call it, and what answers it.
struct Route: Sendable {
    /// Who may call a route. There is no route without one of these, so none is open by oversight.
    enum Handler: Sendable {
        /// Anybody, without a token.
        case everyone(@Sendable (BerthAPI) async throws -> Response)
        /// Whoever signed the body with the secret that they share with Berth; the handler verifies it.
        case signed(@Sendable (BerthAPI, Call) async throws -> Response)
        /// Who has the feed's own token in the query; else whoever bears any token. The handler asks whether the
        /// token opens the feed.
        case subscriber(@Sendable (BerthAPI, Call, _ feedToken: String?) async throws -> Response)
        /// Anybody, whom the handler asks who he is where that matters: the page and its sign-in.
        case visitor(@Sendable (BerthAPI, Call) async throws -> Response)
        /// Bearers of a token of that role or more. What depends on the object, the database
        /// decides under its lock.
        case atLeast(Role, @Sendable (BerthAPI, Call) async throws -> Response)
    }

    let method: HTTPRequest.Method
    /// As in the contract: `/v1/bookings/{ref}`.
    let path: String
    let handler: Handler

    /// The least role that it needs; nil for everyone.
    var role: Role? {
        switch handler {
        case .everyone, .signed, .subscriber, .visitor: nil
        case .atLeast(let role, _): role
        }
    }

    static func get(
        _ path: String, _ role: Role,
        _ body: @escaping @Sendable (BerthAPI, Call) async throws -> Response
    ) -> Route {
        Route(method: .get, path: path, handler: .atLeast(role, body))
    }

    static func post(
        _ path: String, _ role: Role,
        _ body: @escaping @Sendable (BerthAPI, Call) async throws -> Response
    ) -> Route {
        Route(method: .post, path: path, handler: .atLeast(role, body))
    }

    static func put(
        _ path: String, _ role: Role,
        _ body: @escaping @Sendable (BerthAPI, Call) async throws -> Response
    ) -> Route {
        Route(method: .put, path: path, handler: .atLeast(role, body))
    }

    static func patch(
        _ path: String, _ role: Role,
        _ body: @escaping @Sendable (BerthAPI, Call) async throws -> Response
    ) -> Route {
        Route(method: .patch, path: path, handler: .atLeast(role, body))
    }

    static func delete(
        _ path: String, _ role: Role,
        _ body: @escaping @Sendable (BerthAPI, Call) async throws -> Response
    ) -> Route {
        Route(method: .delete, path: path, handler: .atLeast(role, body))
    }

    static func calendar(
        _ path: String, _ feed: @escaping @Sendable (Call) throws -> Feed
    ) -> Route {
        Route(
            method: .get, path: "/calendars/\(path)",
            handler: .subscriber { try await $0.getCalendar(feed($1), $1, $2) })
    }

    static func visitor(
        _ method: HTTPRequest.Method, _ path: String,
        _ body: @escaping @Sendable (BerthAPI, Call) async throws -> Response
    ) -> Route {
        Route(method: method, path: path, handler: .visitor(body))
    }

    static func open(
        _ path: String, _ body: @escaping @Sendable (BerthAPI) async throws -> Response
    ) -> Route {
        Route(method: .get, path: path, handler: .everyone(body))
    }
}
