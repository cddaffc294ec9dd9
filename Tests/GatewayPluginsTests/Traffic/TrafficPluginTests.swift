import GatewayCore
import GatewayPlugins
import GatewayTestSupport
import Telemetry
import TelemetryTestSupport
import Testing

/// request-termination, request-size-limiting and ip-restriction before a plain service.
@Suite struct TrafficPluginTests {
    private func engine(_ plugin: String, _ config: String) throws(ConfigurationError) -> EngineFixture {
        try EngineFixture(
            "services: [{name: s, url: \"http://origin.test/\", routes: [{name: r, paths: [/api]}], plugins: [{name: \(plugin), config: {\(config)}}]}]", plugins: PluginCatalog.plugins)
    }

    private func serve(_ engine: EngineFixture, _ exchange: FakeExchange) async throws -> (client: FakeExchange, record: RecordedRequest) {
        engine.upstream.replies = [.answer(FakeAnswer(body: [.bytes("answer")]))]
        return (exchange, try await engine.serve(exchange))
    }

    // MARK: request-termination

    @Test(arguments: [
        ("", 503, #"{"message":"Service unavailable"}"#, "application/json; charset=utf-8"), ("status_code: 404", 404, #"{"message":"Not found"}"#, "application/json; charset=utf-8"),
        (#"status_code: 200, message: "a \"b\"""#, 200, #"{"message":"a \"b\""}"#, "application/json; charset=utf-8"), ("status_code: 418", 418, "", nil),
        ("status_code: 410, body: <gone/>, content_type: text/xml", 410, "<gone/>", "text/xml"),
    ])
    func `a terminated request is answered as configured`(config: String, status: Int, body: String, type: String?) async throws {
        let engine = try self.engine("request-termination", config)
        let (client, record) = try await self.serve(engine, try FakeExchange("GET", "/api"))
        #expect(client.status == status)
        #expect(client.content.joined() == body)
        #expect(client.field("content-type") == type)
        #expect(record.root.outcome == .answered)
        #expect(engine.upstream.sent.isEmpty)
    }

    @Test(arguments: [("message: gone", 204), ("body: gone, content_type: text/plain", 204), ("message: same", 304)])
    func `a status without content is answered by a head alone`(config: String, status: Int) async throws {
        let engine = try self.engine("request-termination", "status_code: \(status), \(config)")
        let (client, _) = try await self.serve(engine, try FakeExchange("GET", "/api"))
        #expect(client.status == status)
        #expect(client.content.joined().isEmpty)
        #expect(client.framing == ResponseFraming.none)
        #expect(client.field("content-type") == nil && client.field("content-length") == nil)
    }

    @Test func `with a trigger only requests that carry it are terminated`() async throws {
        let engine = try self.engine("request-termination", "trigger: x-stop")
        #expect(try await self.serve(engine, try FakeExchange("GET", "/api")).client.status == 200)
        #expect(try await self.serve(engine, try FakeExchange("GET", "/api?x-stop=1")).client.status == 503)
        #expect(try await self.serve(engine, try FakeExchange("GET", "/api", headers: [("Host", "h"), ("X-Stop", "1")])).client.status == 503)
    }

    @Test func `an echo shows the request as it came`() async throws {
        let engine = try self.engine("request-termination", "status_code: 200, message: seen, echo: true, trigger: x-echo")
        let headers = [("Host", "h.test:81"), ("X-Echo", "a"), ("X-Echo", "b"), ("Content-Type", "application/json"), ("Content-Length", "9")]
        let (client, record) = try await self.serve(engine, try FakeExchange("POST", "/api/x?q=1&q=%C3%A4&r", headers: headers, body: [.bytes("{\"n\": 1}")]))
        #expect(client.status == 200)
        #expect(client.field("content-type") == "application/json; charset=utf-8")
        let answer = client.content.joined()
        #expect(answer.hasPrefix(#"{"message":"seen","request":{"scheme":"http","host":"h.test","port":"#))
        #expect(answer.contains(#""method":"POST","path":"/api/x","headers":{"host":"h.test:81","x-echo":["a","b"],"#))
        #expect(answer.contains(#""query":{"q":["1","ä"],"r":""},"raw_body":"{\"n\": 1}","body":{"n": 1}}"#))
        #expect(answer.contains(#""name":"r","paths":["/api"]},"matched_service":{"#) && answer.contains(#""host":"origin.test","#))
        #expect(record.root.outcome == .answered)
        #expect(engine.upstream.sent.isEmpty)
        #expect(try await self.serve(engine, try FakeExchange("GET", "/api")).client.content.joined() == "answer")
    }

    @Test func `an echo reads forms, shows what is no JSON as it stands, and leaves long bodies out`() async throws {
        let engine = try self.engine("request-termination", "echo: true")
        func answer(_ type: String, _ body: String) async throws -> String {
            let headers = [("Host", "h"), ("Content-Type", type), ("Content-Length", "\(body.utf8.count)")]
            return try await self.serve(engine, try FakeExchange("POST", "/api", headers: headers, body: [.bytes(body)])).client.content.joined()
        }
        #expect(try await answer("application/x-www-form-urlencoded", "a=1&b=x+y").contains(#""raw_body":"a=1&b=x+y","body":{"a":"1","b":"x y"}}"#))
        #expect(try await answer("application/json", "{").contains(#""raw_body":"{"}"#))
        let long = try await answer("text/plain", String(repeating: "x", count: (1 << 20) + 1))
        #expect(long.contains(#""message":"Service unavailable""#) && !long.contains("raw_body"))
    }

    @Test(arguments: [("echo: true, body: b", "cannot be used with content_type and body"), ("message: a, body: b", "cannot be used with content_type or body"), ("content_type: a", "requires a body"), ("status_code: 100", "is an interim status")])
    func `contradictions are refused`(config: String, problem: String) {
        let problems = EngineFixture.problems("services: [{name: s, url: \"http://h/\", plugins: [{name: request-termination, config: {\(config)}}]}]", plugins: PluginCatalog.plugins)
        #expect(problems.count == 1 && problems[0].contains(problem), "\(problems)")
    }

    // MARK: request-size-limiting

    private func post(_ body: String, isChunked: Bool = false, isExpecting: Bool = false) throws -> FakeExchange {
        var headers = [("Host", "h")]
        headers.append(isChunked ? ("Transfer-Encoding", "chunked") : ("Content-Length", "\(body.utf8.count)"))
        if isExpecting { headers.append(("Expect", "100-continue")) }
        return try FakeExchange("POST", "/api", headers: headers, body: [.bytes(body)])
    }

    @Test func `a body over the limit is refused by its length, or when it has come`() async throws {
        let engine = try self.engine("request-size-limiting", "allowed_payload_size: 4, size_unit: bytes")
        #expect(try await self.serve(engine, try self.post("1234")).client.status == 200)
        #expect(try await self.serve(engine, try self.post("1234", isChunked: true)).client.status == 200)
        let (client, record) = try await self.serve(engine, try self.post("12345"))
        #expect(client.status == 413)
        #expect(client.content.joined().contains("Request size limit exceeded"))
        #expect(record.errorType == "request_too_large")
        #expect(record.scopes.first?.fields == ["pellucid.request_size.limit_bytes": "4"])
        #expect(try await self.serve(engine, try self.post("12345", isExpecting: true)).client.status == 417)
    }

    @Test func `units are Kong's powers of two`() async throws {
        let engine = try self.engine("request-size-limiting", "allowed_payload_size: 1, size_unit: kilobytes")
        #expect(try await self.serve(engine, try self.post(String(repeating: "x", count: 1_024))).client.status == 200)
        #expect(try await self.serve(engine, try self.post(String(repeating: "x", count: 1_025))).client.status == 413)
    }

    @Test func `a length can be required`() async throws {
        let engine = try self.engine("request-size-limiting", "require_content_length: true")
        #expect(try await self.serve(engine, try FakeExchange("GET", "/api")).client.status == 411)
        #expect(try await self.serve(engine, try self.post("x", isChunked: true)).client.status == 200)
        #expect(try await self.serve(engine, try self.post("x")).client.status == 200)
    }

    // MARK: ip-restriction

    /// The client of a test is 192.0.2.1.
    @Test(arguments: [
        ("deny: [192.0.2.1]", 403), ("deny: [192.0.2.0/24]", 403), ("deny: [\"::ffff:192.0.2.1\"]", 403), ("deny: [0.0.0.0/0]", 403), ("deny: [\"2001:db8::/32\"]", 200), ("deny: [192.0.2.2]", 200),
        ("allow: [192.0.2.1/32]", 200), ("allow: [192.0.2.0/31]", 200), ("allow: [192.0.2.2/31]", 403), ("allow: [10.0.0.0/8, 192.0.2.1]", 200), ("allow: [192.0.2.1], deny: [192.0.2.1]", 403),
        ("deny: [192.0.2.1], status: 404", 404),
    ])
    func `addresses are let in and kept out`(config: String, status: Int) async throws {
        let (client, record) = try await self.serve(try self.engine("ip-restriction", config), try FakeExchange("GET", "/api"))
        #expect(client.status == status)
        if status != 200 {
            #expect(client.content.joined().contains("IP address not allowed: 192.0.2.1"))
            #expect(record.errorType == "address_not_allowed")
        }
    }

    @Test(arguments: ["1.2.3", "1.2.3.256", "1.2.3.04", "1.2.3.4/33", "1.2.3.4/", "::/129", "1::2::3", "12345::", "g::", "", "1:2:3:4:5:6:7", "a b"])
    func `what is no address or block is refused`(text: String) {
        let problems = EngineFixture.problems(
            "services: [{name: s, url: \"http://h/\", plugins: [{name: ip-restriction, config: {allow: [\"\(text)\"]}}]}]", plugins: PluginCatalog.plugins)
        #expect(problems.count == 1 && problems[0].contains("not an IP address or CIDR block"), "\(problems)")
    }
}
