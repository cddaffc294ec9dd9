import GatewayCore
import Testing

@Suite struct UpstreamProxiesTests {
    private static func proxies(_ environment: [String: String]) throws -> UpstreamProxies {
        try UpstreamProxies(environment: environment) { "b64(\(String(decoding: $0, as: UTF8.self)))" }
    }

    private static func proxy(_ environment: [String: String], _ host: String, isTLS: Bool = true) throws -> String? {
        try self.proxies(environment).proxy(for: UpstreamEndpoint(host: host, port: 443, isTLS: isTLS)).map { "\($0.host):\($0.port) \($0.authorization ?? "-")" }
    }

    @Test func `https and http have proxies of their own, and HTTP_PROXY in capitals is not read`() throws {
        let environment = ["HTTPS_PROXY": "http://secure.proxy:3128", "http_proxy": "plain.proxy", "HTTP_PROXY": "http://evil:1"]
        #expect(try Self.proxy(environment, "a.example") == "secure.proxy:3128 -")
        #expect(try Self.proxy(environment, "a.example", isTLS: false) == "plain.proxy:1080 -")
        #expect(try Self.proxy(["HTTP_PROXY": "http://evil:1"], "a.example", isTLS: false) == nil)
        #expect(try Self.proxy(["ALL_PROXY": "http://all:1"], "a.example", isTLS: false) == "all:1 -")
    }

    @Test func `a user and password become basic credentials, percent-decoded`() throws {
        #expect(try Self.proxy(["https_proxy": "http://me:p%40ss@proxy:8080/"], "a.example") == "proxy:8080 Basic b64(me:p@ss)")
    }

    @Test(arguments: ["localhost", "api.localhost", "127.0.0.1", "::1", "a.example", "b.a.example", "10.1.2.3", "2001:db8::5"])
    func `hosts that NO_PROXY names, and loopback, are reached directly`(_ host: String) throws {
        #expect(try Self.proxy(["HTTPS_PROXY": "http://p:1", "NO_PROXY": ".a.example, 10.0.0.0/8,2001:db8::/32"], host) == nil)
    }

    @Test func `others go through the proxy; a star stands for all`() throws {
        #expect(try Self.proxy(["HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.example"], "ba.example") == "p:1 -")
        #expect(try Self.proxy(["HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"], "b.example") == nil)
    }

    @Test(arguments: ["https://p:1", "socks5://p:1", "http:///p", "http://p:x", "http://a%zz@p:1"])
    func `what is no proxy is refused without showing it`(_ value: String) {
        #expect { try Self.proxies(["HTTPS_PROXY": value]) } throws: { "\($0)".contains("HTTPS_PROXY") && !"\($0)".contains(value) }
    }
}
