/// A route: which requests go to a service, and how their path is changed. Fields, defaults and rules: Kong 3.15 `routes`.
public struct RouteEntity: ConfigurationEntity, Hashable {
    public let metadata: EntityMetadata
    /// Unique name.
    public let name: String?
    /// Protocols allowed. Default https only, as Kong since 3.14.
    public let protocols: [TrafficProtocol]
    /// Methods; any when empty.
    public let methods: [String]
    /// Hosts, perhaps with one wildcard label and a port; any when empty.
    public let hosts: [String]
    /// Prefixes, or regular expressions after `~`; any when empty.
    public let paths: [String]
    /// Headers that must be there, each with one of the values (`~*` begins a regular expression); lower-case names in order.
    public let headers: [HeaderRule]
    /// Server names of TLS; they count only for requests that come over TLS.
    public let serverNames: [String]
    /// What a client gets that comes over plaintext to a route for TLS only: 426, 301, 302, 307 or 308.
    public let httpsRedirectStatusCode: Int
    /// Order among routes that match by regular expression; higher first.
    public let regexPriority: Int
    /// Whether the matched part of the path is removed before the service's path is put in front.
    public let stripPath: Bool
    /// How paths are joined.
    public let pathHandling: PathHandling
    /// Whether the upstream gets the client's Host header.
    public let preserveHost: Bool
    /// Whether the upstream is asked only when the request's body is here, as far as `_pellucid.limits.request_buffer_bytes` reaches. Only where it is written: otherwise bodies
    /// pass as they come, where Kong's default is to buffer.
    public let requestBuffering: Bool
    /// Whether the client gets nothing before the response is here whole, or `_pellucid.limits.response_buffer_bytes` of it are. Only where it is written, and never for event streams.
    public let responseBuffering: Bool
    /// The service, if any.
    public internal(set) var serviceID: String?

    /// Kong's two ways to join the service's path and the request's.
    public enum PathHandling: String, Sendable, Hashable, CaseIterable {
        /// Segments are kept apart by a slash.
        case v0
        /// Texts are put together as they are.
        case v1
    }

    /// One header a request must have.
    public struct HeaderRule: Sendable, Hashable {
        /// Name in lower case.
        public let name: String
        /// Values, any of which will do; compared without regard to case.
        public let values: [String]
    }
}
