/// What trailers may not say, whichever HTTP version carries them.
public enum TrailerRules {
    /// Framing, routing, request modifiers, authentication, content handling: never legitimate in trailers (RFC 9110 section 6.5.1).
    public static let forbidden: KnownFieldSet = [
        .host, .contentLength, .transferEncoding, .connection, .keepAlive, .te, .trailer, .upgrade, .proxyConnection, .proxyAuthenticate,
        .proxyAuthorization, .expect, .http2Settings, .contentType, .contentEncoding, .contentRange, .authorization, .cookie, .setCookie, .wwwAuthenticate,
        .cacheControl, .maxForwards, .range, .apikey, .apiKey, .xAPIKey, .xForwardedFor, .xForwardedHost, .xForwardedProto, .xForwardedPort, .forwarded,
        .xRealIP,
    ]
}
