/// A field name the gateway reads, writes or removes itself.
///
/// Names are recognised once, while a head is parsed, so that everything behind the parser compares one byte instead of a string.
/// Names of registered fields are those of the IANA HTTP Field Name Registry (https://www.iana.org/assignments/http-fields).
public enum KnownField: UInt8, Sendable, CaseIterable {
    case host
    case contentLength
    case transferEncoding
    case connection
    case keepAlive
    case te
    case trailer
    case upgrade
    case proxyConnection
    case proxyAuthenticate
    case proxyAuthorization
    case expect
    case http2Settings
    case contentType
    case contentEncoding
    case contentRange
    case contentDisposition
    case accept
    case acceptEncoding
    case acceptLanguage
    case authorization
    case cookie
    case setCookie
    case location
    case server
    case via
    case date
    case age
    case allow
    case etag
    case vary
    case range
    case origin
    case referer
    case pragma
    case forwarded
    case cacheControl
    case maxForwards
    case ifNoneMatch
    case lastModified
    case lastEventID
    case retryAfter
    case retryAfterMilliseconds
    case userAgent
    case serverTiming
    case wwwAuthenticate
    case traceparent
    case tracestate
    case baggage
    case b3
    case xB3TraceID
    case xB3SpanID
    case xB3Sampled
    case xForwardedFor
    case xForwardedProto
    case xForwardedHost
    case xForwardedPort
    case xForwardedPath
    case xForwardedPrefix
    case xRealIP
    case xRequestID
    case xKongRequestID
    case xKongProxyLatency
    case xKongUpstreamLatency
    case xKongResponseLatency
    case xKongUpstreamStatus
    case xKongLLMModel
    case xConsumerID
    case xConsumerCustomID
    case xConsumerUsername
    case xConsumerGroups
    case xCredentialIdentifier
    case xAnonymousConsumer
    case xAuthenticatedGroups
    case xCacheStatus
    case xCacheKey
    case xCacheTTL
    case apikey
    case apiKey
    case xAPIKey
    case xGoogAPIKey
    case anthropicVersion
    case anthropicBeta
    case openAIOrganization
    case openAIProject
    case rateLimitLimit
    case rateLimitRemaining
    case rateLimitReset
    case xRateLimitRemainingRequests
    case xRateLimitRemainingTokens
    case anthropicRateLimitRequestsRemaining
    case mcpSessionID
    case mcpProtocolVersion
    case secWebSocketKey
    case secWebSocketVersion
    case secWebSocketAccept
    case secWebSocketProtocol
    case secWebSocketExtensions

    /// The name as it is written on the wire, in its conventional capitals. Field names compare without regard to case (RFC 9110 section 5.1).
    public var name: StaticString {
        switch self {
        case .host: "Host"
        case .contentLength: "Content-Length"
        case .transferEncoding: "Transfer-Encoding"
        case .connection: "Connection"
        case .keepAlive: "Keep-Alive"
        case .te: "TE"
        case .trailer: "Trailer"
        case .upgrade: "Upgrade"
        case .proxyConnection: "Proxy-Connection"
        case .proxyAuthenticate: "Proxy-Authenticate"
        case .proxyAuthorization: "Proxy-Authorization"
        case .expect: "Expect"
        case .http2Settings: "HTTP2-Settings"
        case .contentType: "Content-Type"
        case .contentEncoding: "Content-Encoding"
        case .contentRange: "Content-Range"
        case .contentDisposition: "Content-Disposition"
        case .accept: "Accept"
        case .acceptEncoding: "Accept-Encoding"
        case .acceptLanguage: "Accept-Language"
        case .authorization: "Authorization"
        case .cookie: "Cookie"
        case .setCookie: "Set-Cookie"
        case .location: "Location"
        case .server: "Server"
        case .via: "Via"
        case .date: "Date"
        case .age: "Age"
        case .allow: "Allow"
        case .etag: "ETag"
        case .vary: "Vary"
        case .range: "Range"
        case .origin: "Origin"
        case .referer: "Referer"
        case .pragma: "Pragma"
        case .forwarded: "Forwarded"
        case .cacheControl: "Cache-Control"
        case .maxForwards: "Max-Forwards"
        case .ifNoneMatch: "If-None-Match"
        case .lastModified: "Last-Modified"
        case .lastEventID: "Last-Event-ID"
        case .retryAfter: "Retry-After"
        case .retryAfterMilliseconds: "retry-after-ms"
        case .userAgent: "User-Agent"
        case .serverTiming: "Server-Timing"
        case .wwwAuthenticate: "WWW-Authenticate"
        case .traceparent: "traceparent"
        case .tracestate: "tracestate"
        case .baggage: "baggage"
        case .b3: "b3"
        case .xB3TraceID: "X-B3-TraceId"
        case .xB3SpanID: "X-B3-SpanId"
        case .xB3Sampled: "X-B3-Sampled"
        case .xForwardedFor: "X-Forwarded-For"
        case .xForwardedProto: "X-Forwarded-Proto"
        case .xForwardedHost: "X-Forwarded-Host"
        case .xForwardedPort: "X-Forwarded-Port"
        case .xForwardedPath: "X-Forwarded-Path"
        case .xForwardedPrefix: "X-Forwarded-Prefix"
        case .xRealIP: "X-Real-IP"
        case .xRequestID: "X-Request-ID"
        case .xKongRequestID: "X-Kong-Request-Id"
        case .xKongProxyLatency: "X-Kong-Proxy-Latency"
        case .xKongUpstreamLatency: "X-Kong-Upstream-Latency"
        case .xKongResponseLatency: "X-Kong-Response-Latency"
        case .xKongUpstreamStatus: "X-Kong-Upstream-Status"
        case .xKongLLMModel: "X-Kong-LLM-Model"
        case .xConsumerID: "X-Consumer-ID"
        case .xConsumerCustomID: "X-Consumer-Custom-ID"
        case .xConsumerUsername: "X-Consumer-Username"
        case .xConsumerGroups: "X-Consumer-Groups"
        case .xCredentialIdentifier: "X-Credential-Identifier"
        case .xAnonymousConsumer: "X-Anonymous-Consumer"
        case .xAuthenticatedGroups: "X-Authenticated-Groups"
        case .xCacheStatus: "X-Cache-Status"
        case .xCacheKey: "X-Cache-Key"
        case .xCacheTTL: "X-Cache-Ttl"
        case .apikey: "apikey"
        case .apiKey: "api-key"
        case .xAPIKey: "x-api-key"
        case .xGoogAPIKey: "x-goog-api-key"
        case .anthropicVersion: "anthropic-version"
        case .anthropicBeta: "anthropic-beta"
        case .openAIOrganization: "OpenAI-Organization"
        case .openAIProject: "OpenAI-Project"
        case .rateLimitLimit: "RateLimit-Limit"
        case .rateLimitRemaining: "RateLimit-Remaining"
        case .rateLimitReset: "RateLimit-Reset"
        case .xRateLimitRemainingRequests: "x-ratelimit-remaining-requests"
        case .xRateLimitRemainingTokens: "x-ratelimit-remaining-tokens"
        case .anthropicRateLimitRequestsRemaining: "anthropic-ratelimit-requests-remaining"
        case .mcpSessionID: "Mcp-Session-Id"
        case .mcpProtocolVersion: "MCP-Protocol-Version"
        case .secWebSocketKey: "Sec-WebSocket-Key"
        case .secWebSocketVersion: "Sec-WebSocket-Version"
        case .secWebSocketAccept: "Sec-WebSocket-Accept"
        case .secWebSocketProtocol: "Sec-WebSocket-Protocol"
        case .secWebSocketExtensions: "Sec-WebSocket-Extensions"
        }
    }
}
