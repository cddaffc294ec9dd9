extension KnownField {
    /// Recognises a field name without regard to case.
    ///
    /// The bytes have to be `tchar`s (RFC 9110 section 5.6.2): among those, setting bit 5 maps two different bytes to one only for the two cases of a letter,
    /// `^` with `~`, and `_` with DEL, and none of the known names holds any of the latter.
    ///
    /// - Parameters:
    ///   - name: First byte of the name.
    ///   - count: Number of bytes of the name.
    @inline(__always)
    static func recognize(_ name: UnsafePointer<UInt8>, count: Int) -> KnownField? {
        count <= 12 ? recognizeShort(name, count) : count <= 17 ? recognizeMedium(name, count) : recognizeLong(name, count)
    }

    private static func recognizeShort(_ p: UnsafePointer<UInt8>, _ count: Int) -> KnownField? {
        switch count {
        case 2:
            if same(p, 2, "te") { return .te }
            if same(p, 2, "b3") { return .b3 }
        case 3:
            if same(p, 3, "via") { return .via }
            if same(p, 3, "age") { return .age }
        case 4:
            if same(p, 4, "host") { return .host }
            if same(p, 4, "date") { return .date }
            if same(p, 4, "etag") { return .etag }
            if same(p, 4, "vary") { return .vary }
        case 5:
            if same(p, 5, "allow") { return .allow }
            if same(p, 5, "range") { return .range }
        case 6:
            if same(p, 6, "expect") { return .expect }
            if same(p, 6, "accept") { return .accept }
            if same(p, 6, "cookie") { return .cookie }
            if same(p, 6, "server") { return .server }
            if same(p, 6, "origin") { return .origin }
            if same(p, 6, "pragma") { return .pragma }
            if same(p, 6, "apikey") { return .apikey }
        case 7:
            if same(p, 7, "trailer") { return .trailer }
            if same(p, 7, "upgrade") { return .upgrade }
            if same(p, 7, "referer") { return .referer }
            if same(p, 7, "baggage") { return .baggage }
            if same(p, 7, "api-key") { return .apiKey }
        case 8:
            if same(p, 8, "location") { return .location }
        case 9:
            if same(p, 9, "forwarded") { return .forwarded }
            if same(p, 9, "x-real-ip") { return .xRealIP }
            if same(p, 9, "x-api-key") { return .xAPIKey }
        case 10:
            if same(p, 10, "connection") { return .connection }
            if same(p, 10, "keep-alive") { return .keepAlive }
            if same(p, 10, "set-cookie") { return .setCookie }
            if same(p, 10, "user-agent") { return .userAgent }
            if same(p, 10, "tracestate") { return .tracestate }
        case 11:
            if same(p, 11, "retry-after") { return .retryAfter }
            if same(p, 11, "traceparent") { return .traceparent }
            if same(p, 11, "x-b3-spanid") { return .xB3SpanID }
            if same(p, 11, "x-cache-key") { return .xCacheKey }
            if same(p, 11, "x-cache-ttl") { return .xCacheTTL }
        case 12:
            if same(p, 12, "content-type") { return .contentType }
            if same(p, 12, "max-forwards") { return .maxForwards }
            if same(p, 12, "x-b3-traceid") { return .xB3TraceID }
            if same(p, 12, "x-b3-sampled") { return .xB3Sampled }
            if same(p, 12, "x-request-id") { return .xRequestID }
        default: break
        }
        return nil
    }

    private static func recognizeMedium(_ p: UnsafePointer<UInt8>, _ count: Int) -> KnownField? {
        switch count {
        case 13:
            if same(p, 13, "content-range") { return .contentRange }
            if same(p, 13, "authorization") { return .authorization }
            if same(p, 13, "cache-control") { return .cacheControl }
            if same(p, 13, "if-none-match") { return .ifNoneMatch }
            if same(p, 13, "last-modified") { return .lastModified }
            if same(p, 13, "last-event-id") { return .lastEventID }
            if same(p, 13, "server-timing") { return .serverTiming }
            if same(p, 13, "x-consumer-id") { return .xConsumerID }
        case 14:
            if same(p, 14, "content-length") { return .contentLength }
            if same(p, 14, "http2-settings") { return .http2Settings }
            if same(p, 14, "retry-after-ms") { return .retryAfterMilliseconds }
            if same(p, 14, "x-cache-status") { return .xCacheStatus }
            if same(p, 14, "x-goog-api-key") { return .xGoogAPIKey }
            if same(p, 14, "anthropic-beta") { return .anthropicBeta }
            if same(p, 14, "openai-project") { return .openAIProject }
            if same(p, 14, "mcp-session-id") { return .mcpSessionID }
        case 15:
            if same(p, 15, "accept-encoding") { return .acceptEncoding }
            if same(p, 15, "accept-language") { return .acceptLanguage }
            if same(p, 15, "x-forwarded-for") { return .xForwardedFor }
            if same(p, 15, "ratelimit-limit") { return .rateLimitLimit }
            if same(p, 15, "ratelimit-reset") { return .rateLimitReset }
        case 16:
            if same(p, 16, "proxy-connection") { return .proxyConnection }
            if same(p, 16, "content-encoding") { return .contentEncoding }
            if same(p, 16, "www-authenticate") { return .wwwAuthenticate }
            if same(p, 16, "x-forwarded-host") { return .xForwardedHost }
            if same(p, 16, "x-forwarded-port") { return .xForwardedPort }
            if same(p, 16, "x-forwarded-path") { return .xForwardedPath }
            if same(p, 16, "x-kong-llm-model") { return .xKongLLMModel }
        case 17:
            if same(p, 17, "transfer-encoding") { return .transferEncoding }
            if same(p, 17, "x-forwarded-proto") { return .xForwardedProto }
            if same(p, 17, "x-kong-request-id") { return .xKongRequestID }
            if same(p, 17, "x-consumer-groups") { return .xConsumerGroups }
            if same(p, 17, "anthropic-version") { return .anthropicVersion }
            if same(p, 17, "sec-websocket-key") { return .secWebSocketKey }
        default: break
        }
        return nil
    }

    private static func recognizeLong(_ p: UnsafePointer<UInt8>, _ count: Int) -> KnownField? {
        switch count {
        case 18:
            if same(p, 18, "proxy-authenticate") { return .proxyAuthenticate }
            if same(p, 18, "x-forwarded-prefix") { return .xForwardedPrefix }
        case 19:
            if same(p, 19, "proxy-authorization") { return .proxyAuthorization }
            if same(p, 19, "content-disposition") { return .contentDisposition }
            if same(p, 19, "x-consumer-username") { return .xConsumerUsername }
            if same(p, 19, "openai-organization") { return .openAIOrganization }
            if same(p, 19, "ratelimit-remaining") { return .rateLimitRemaining }
        case 20:
            if same(p, 20, "x-kong-proxy-latency") { return .xKongProxyLatency }
            if same(p, 20, "x-consumer-custom-id") { return .xConsumerCustomID }
            if same(p, 20, "x-anonymous-consumer") { return .xAnonymousConsumer }
            if same(p, 20, "mcp-protocol-version") { return .mcpProtocolVersion }
            if same(p, 20, "sec-websocket-accept") { return .secWebSocketAccept }
        case 21:
            if same(p, 21, "sec-websocket-version") { return .secWebSocketVersion }
        case 22:
            if same(p, 22, "x-kong-upstream-status") { return .xKongUpstreamStatus }
            if same(p, 22, "x-authenticated-groups") { return .xAuthenticatedGroups }
            if same(p, 22, "sec-websocket-protocol") { return .secWebSocketProtocol }
        case 23:
            if same(p, 23, "x-kong-upstream-latency") { return .xKongUpstreamLatency }
            if same(p, 23, "x-kong-response-latency") { return .xKongResponseLatency }
            if same(p, 23, "x-credential-identifier") { return .xCredentialIdentifier }
        case 24:
            if same(p, 24, "sec-websocket-extensions") { return .secWebSocketExtensions }
        case 28:
            if same(p, 28, "x-ratelimit-remaining-tokens") { return .xRateLimitRemainingTokens }
        case 30:
            if same(p, 30, "x-ratelimit-remaining-requests") { return .xRateLimitRemainingRequests }
        case 38:
            if same(p, 38, "anthropic-ratelimit-requests-remaining") { return .anthropicRateLimitRequestsRemaining }
        default: break
        }
        return nil
    }

    /// Compares `count` bytes with a literal in lower case of the same length.
    @inline(__always)
    private static func same(_ p: UnsafePointer<UInt8>, _ count: Int, _ literal: StaticString) -> Bool {
        let expected = literal.utf8Start
        if count < 8 {
            var i = 0
            while i < count {
                if p[i] | 0x20 != expected[i] { return false }
                i &+= 1
            }
            return true
        }
        let left = UnsafeRawPointer(p), right = UnsafeRawPointer(expected)
        var i = 0
        while i &+ 8 <= count {
            if left.loadUnaligned(fromByteOffset: i, as: UInt64.self) | Swar.spaces != right.loadUnaligned(fromByteOffset: i, as: UInt64.self) { return false }
            i &+= 8
        }
        let last = count &- 8
        return left.loadUnaligned(fromByteOffset: last, as: UInt64.self) | Swar.spaces == right.loadUnaligned(fromByteOffset: last, as: UInt64.self)
    }
}
