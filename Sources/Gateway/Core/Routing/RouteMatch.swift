/// The route a request takes.
public struct RouteMatch: Sendable, Hashable {
    /// Index into the routes the router was built from.
    public let routeIndex: Int
    /// Bytes of the path the route's prefix or expression matched; 0 when the route matches any path.
    public let matchedPathLength: Int
    /// The groups of the route's expression, if it has groups.
    public let captures: RouteCaptures?
    /// Whether the request may go on over the transport it came by.
    public let transport: Transport

    /// What becomes of a request for its transport.
    public enum Transport: Sendable, Hashable {
        /// The route takes it.
        case allowed
        /// The route is for TLS only and the request came over plaintext: answer with this status; 301, 302, 307 and 308 with
        /// `Location: https://…`, 426 with `Connection: Upgrade` and `Upgrade: TLS/1.2, HTTP/1.1`.
        case requiresTLS(statusCode: Int)
    }
}
