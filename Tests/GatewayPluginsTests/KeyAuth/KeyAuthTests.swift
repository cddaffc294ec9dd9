import GatewayCore
import GatewayPlugins
import GatewayTestSupport
import GatewayWire
import NIOCore
import Telemetry
import TelemetryTestSupport
import Testing

@Suite struct KeyAuthTests {
    private static let alice = "11111111-1111-4111-8111-111111111111"

    private func engine(_ config: String = "", credentials: String = "{key: right, id: 33333333-3333-4333-8333-333333333333}", extra: String = "") throws(ConfigurationError) -> EngineFixture {
        try EngineFixture(
            """
            services:
            - name: origin
              url: http://origin.test/
              routes: [{name: api, paths: [/api]}]
              plugins: [{name: key-auth, config: {\(config)}}\(extra)]
            consumers:
            - {username: alice, custom_id: a-1, id: \(Self.alice), keyauth_credentials: [\(credentials)]}
            - {username: guest}
            """, plugins: PluginCatalog.plugins)
    }

    private func send(
        _ engine: EngineFixture, _ method: String = "GET", _ target: String = "/api", headers: [(String, String)] = [], body: String? = nil
    ) async throws -> (client: FakeExchange, record: RecordedRequest) {
        let exchange = try FakeExchange(method, target, headers: [("Host", "gateway.test")] + headers, body: body.map { [.bytes($0)] })
        engine.upstream.replies = [.answer(FakeAnswer(body: [.bytes("answer")]))]
        return (exchange, try await engine.serve(exchange))
    }

    private func refused(_ client: FakeExchange, _ record: RecordedRequest, _ message: String, _ code: String) {
        #expect(client.status == 401)
        #expect(client.body.contains("\"message\":\"\(message)\""))
        #expect(client.field("www-authenticate") == "Key")
        #expect(record.errorType == code)
        #expect(record.root.outcome == .rejected)
        #expect(record.consumer == nil)
    }

    // MARK: Bodies

    /// A body over the limit of what is searched for a key, in pieces.
    private func large() throws -> (exchange: FakeExchange, bytes: Int) {
        let piece = String(repeating: "x", count: 3 << 20)
        let exchange = try FakeExchange(
            "POST", "/api", headers: [("Host", "gateway.test"), ("Content-Type", "application/json"), ("Transfer-Encoding", "chunked"), ("xb", "right")],
            body: [.bytes(piece), .bytes(piece), .bytes(piece), .bytes(piece)], isBodyComplete: false)
        return (exchange, 12 << 20)
    }

    @Test func `a body too large to be searched still reaches the upstream whole`() async throws {
        let engine = try self.engine("key_in_body: true, anonymous: guest")
        let (client, bytes) = try self.large()
        engine.upstream.replies = [.answer(FakeAnswer(body: [.bytes("answer")]))]
        _ = try await engine.serve(client)
        #expect(client.status == 200)
        #expect(engine.upstream.sent.first?.body.utf8.count == bytes)
    }

    @Test func `a body that cannot be searched has no key, and the next name is looked for`() async throws {
        let engine = try self.engine("key_in_body: true, key_names: [xa, xb]")
        let (client, bytes) = try self.large()
        engine.upstream.replies = [.answer(FakeAnswer(body: [.bytes("answer")]))]
        let record = try await engine.serve(client)
        #expect(client.status == 200 && record.consumer?.name == "alice")
        #expect(engine.upstream.sent.first?.body.utf8.count == bytes)
    }

    @Test func `keys stand in forms of both kinds, whatever the case of the type`() async throws {
        let engine = try self.engine("key_in_body: true, hide_credentials: true")
        let form = "--b\r\nContent-Disposition: form-data; name=\"apikey\"\r\n\r\nright\r\n--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n1\r\n--b--\r\n"
        for (type, body) in [("Application/X-WWW-Form-Urlencoded", "apikey=right&x=1"), ("multipart/form-data; boundary=b", form), ("APPLICATION/JSON", #"{"apikey":"right","x":1}"#)] {
            let headers = [("Content-Type", type), ("Content-Length", "\(body.utf8.count)")]
            #expect(try await self.send(engine, "POST", headers: headers, body: body).client.status == 200)
            let sent = try #require(engine.upstream.sent.last)
            #expect(!sent.body.contains("right") && sent.body.contains("1"))
        }
    }

    @Test func `a name without a value is no key`() async throws {
        let engine = try self.engine("key_names: [xa, xb]")
        #expect(try await self.send(engine, "GET", "/api?xa&xb=right").client.status == 200)
        let (client, record) = try await self.send(engine, "GET", "/api?xa=&xb=right")
        self.refused(client, record, "No API key found in request", "api_key_missing")
    }

    @Test func `realms of the control plane are these consumers`() {
        let problems = { (realms: String) in EngineFixture.problems("plugins: [{name: key-auth, config: {identity_realms: [\(realms)]}}]", plugins: PluginCatalog.plugins) }
        #expect(problems("{scope: cp}").isEmpty)
        #expect(problems("{scope: realm, id: 33333333-3333-4333-8333-333333333333, region: eu}").contains { $0.contains("needs Konnect") })
    }

    // MARK: Where a key is found

    @Test func `a key in a header authenticates and tells the upstream who it is`() async throws {
        let engine = try self.engine()
        let (client, record) = try await self.send(engine, headers: [("apikey", "right")])
        #expect(client.status == 200)
        let sent = try #require(engine.upstream.sent.first)
        #expect(sent.field("x-consumer-id") == Self.alice)
        #expect(sent.field("x-consumer-username") == "alice")
        #expect(sent.field("x-consumer-custom-id") == "a-1")
        #expect(sent.field("x-credential-identifier") == "33333333-3333-4333-8333-333333333333")
        #expect(sent.field("x-anonymous-consumer") == nil)
        #expect(record.consumer?.name == "alice")
        #expect(record.credentialID == "33333333-3333-4333-8333-333333333333")
        #expect(record.scopes[0].fields == ["pellucid.auth.source": "header", "pellucid.auth.credential.id": "33333333-3333-4333-8333-333333333333"])
        #expect(record.scopes[0].evidence.outcome == .modified)
    }

    @Test(arguments: ["apikey", "APIKEY", "ApiKey"])
    func `the case of a header's name does not matter`(name: String) async throws {
        #expect(try await self.send(try self.engine(), headers: [(name, "right")]).client.status == 200)
    }

    @Test(arguments: ["/api?apikey=right", "/api?a=1&apikey=right&b=2", "/api?apikey=%72ight", "/api?%61pikey=right"])
    func `a key in the query authenticates`(target: String) async throws {
        let (client, record) = try await self.send(try self.engine(), "GET", target)
        #expect(client.status == 200)
        #expect(record.scopes[0].fields["pellucid.auth.source"] == "query")
    }

    @Test func `the header comes before the query`() async throws {
        let (client, record) = try await self.send(try self.engine(), "GET", "/api?apikey=wrong", headers: [("apikey", "right")])
        #expect(client.status == 200)
        #expect(record.scopes[0].fields["pellucid.auth.source"] == "header")
    }

    @Test(arguments: [("application/x-www-form-urlencoded", "a=1&apikey=right"), ("application/json", "{\"a\":1,\"apikey\":\"right\"}")])
    func `a key in the body authenticates where that is switched on`(type: String, body: String) async throws {
        let on = try self.engine("key_in_body: true")
        let (client, record) = try await self.send(on, "POST", headers: [("Content-Type", type)], body: body)
        #expect(client.status == 200)
        #expect(record.scopes[0].fields["pellucid.auth.source"] == "body")
        let off = try await self.send(try self.engine(), "POST", headers: [("Content-Type", type)], body: body)
        #expect(off.client.status == 401)
    }

    @Test func `the names are tried in their order`() async throws {
        let engine = try self.engine("key_names: [x-first, x-second]")
        #expect(try await self.send(engine, headers: [("x-second", "right")]).client.status == 200)
        #expect(try await self.send(engine, headers: [("x-first", "wrong"), ("x-second", "right")]).client.status == 401)
        #expect(try await self.send(engine, headers: [("apikey", "right")]).client.status == 401)
    }

    @Test func `sources that are switched off are not looked into`() async throws {
        #expect(try await self.send(try self.engine("key_in_header: false"), headers: [("apikey", "right")]).client.status == 401)
        #expect(try await self.send(try self.engine("key_in_query: false"), "GET", "/api?apikey=right").client.status == 401)
    }

    // MARK: Refusals

    @Test func `a request without a key is told so`() async throws {
        let (client, record) = try await self.send(try self.engine())
        self.refused(client, record, "No API key found in request", "api_key_missing")
    }

    @Test func `an unknown key is not told from an expired one`() async throws {
        let (client, record) = try await self.send(try self.engine(), headers: [("apikey", "wrong")])
        self.refused(client, record, "Unauthorized", "api_key_unknown")
        let expired = try self.engine(credentials: "{key: right, ttl: 10, created_at: 1000}")
        let (other, late) = try await self.send(expired, headers: [("apikey", "right")])
        self.refused(other, late, "Unauthorized", "api_key_unknown")
    }

    @Test func `a credential that still lives authenticates`() async throws {
        let now = MonotonicClock.wall() / 1_000_000_000
        #expect(try await self.send(try self.engine(credentials: "{key: right, ttl: 100, created_at: \(now)}"), headers: [("apikey", "right")]).client.status == 200)
        #expect(try await self.send(try self.engine(credentials: "{key: right, ttl: 0, created_at: 1}"), headers: [("apikey", "right")]).client.status == 200)
    }

    @Test func `two keys of one name are refused even when one is right`() async throws {
        let engine = try self.engine("key_in_body: true")
        let attempts = [
            try await self.send(engine, headers: [("apikey", "right"), ("apikey", "right")]), try await self.send(engine, "GET", "/api?apikey=right&apikey=wrong"),
            try await self.send(engine, "POST", headers: [("Content-Type", "application/json")], body: "{\"apikey\":[\"right\"]}"),
        ]
        for (client, record) in attempts { self.refused(client, record, "Duplicate API key found", "api_key_duplicate") }
    }

    @Test(arguments: ["/api?apikey=", "/api?apikey"])
    func `an empty key is none`(target: String) async throws {
        let (client, record) = try await self.send(try self.engine(), "GET", target)
        self.refused(client, record, "No API key found in request", "api_key_missing")
    }

    @Test func `the realm is named where there is one`() async throws {
        let (client, _) = try await self.send(try self.engine("realm: models"))
        #expect(client.field("www-authenticate") == "Key realm=\"models\"")
    }

    @Test func `the upstream learns nothing of a refused request`() async throws {
        let engine = try self.engine()
        _ = try await self.send(engine, headers: [("apikey", "wrong")])
        #expect(engine.upstream.sent.isEmpty)
    }

    @Test func `whatever a client claims to be is replaced`() async throws {
        let engine = try self.engine()
        _ = try await self.send(engine, headers: [("apikey", "right"), ("X-Consumer-ID", "root"), ("X-Consumer-Username", "root"), ("X-Anonymous-Consumer", "true")])
        #expect(engine.upstream.sent[0].values("x-consumer-id") == [Self.alice])
        #expect(engine.upstream.sent[0].values("x-consumer-username") == ["alice"])
        #expect(engine.upstream.sent[0].values("x-anonymous-consumer") == [])
    }

    // MARK: Hiding

    @Test func `a key is taken out of header and query before the upstream sees it`() async throws {
        let engine = try self.engine()
        _ = try await self.send(engine, "GET", "/api?a=1&apikey=other&b=2", headers: [("ApiKey", "right")])
        #expect(engine.upstream.sent[0].field("apikey") == nil)
        #expect(engine.upstream.sent[0].target == "/?a=1&b=2")
    }

    @Test func `a query that was only the key is gone`() async throws {
        let engine = try self.engine()
        _ = try await self.send(engine, "GET", "/api?apikey=right")
        #expect(engine.upstream.sent[0].target == "/")
    }

    @Test(arguments: [
        ("application/x-www-form-urlencoded", "a=1&apikey=right&b=2", "a=1&b=2"), ("application/json", "{\"a\":1,\"apikey\":\"right\",\"b\":2}", "{\"a\":1,\"b\":2}"),
        ("application/x-www-form-urlencoded", "apikey=right", ""),
    ])
    func `a key is taken out of the body`(type: String, body: String, expected: String) async throws {
        let engine = try self.engine("key_in_body: true")
        _ = try await self.send(engine, "POST", headers: [("Content-Type", type)], body: body)
        #expect(engine.upstream.sent[0].body == expected)
    }

    @Test func `a key that is not to be hidden stays`() async throws {
        let engine = try self.engine("hide_credentials: false, key_in_body: true")
        _ = try await self.send(engine, "GET", "/api?apikey=right")
        _ = try await self.send(engine, headers: [("apikey", "right")])
        _ = try await self.send(engine, "POST", headers: [("Content-Type", "application/json")], body: "{\"apikey\":\"right\"}")
        #expect(engine.upstream.sent[0].target == "/?apikey=right")
        #expect(engine.upstream.sent[1].field("apikey") == "right")
        #expect(engine.upstream.sent[2].body == "{\"apikey\":\"right\"}")
    }

    @Test func `no evidence holds a key`() async throws {
        for (target, headers) in [("/api?apikey=right", []), ("/api", [("apikey", "right")]), ("/api", [("apikey", "wrong-secret")])] as [(String, [(String, String)])] {
            let (_, record) = try await self.send(try self.engine(), "GET", target, headers: headers)
            for text in [record.path, record.requestHeaders, record.upstreamURI] + record.scopes.flatMap(\.fields.values) {
                #expect(!text.contains("right") && !text.contains("secret"), "\(text)")
            }
        }
    }

    // MARK: Anonymous and preflight

    @Test(arguments: [[], [("apikey", "wrong")]] as [[(String, String)]])
    func `without a valid key a request goes on as the anonymous consumer`(headers: [(String, String)]) async throws {
        let engine = try self.engine("anonymous: guest")
        let (client, record) = try await self.send(engine, headers: headers)
        #expect(client.status == 200)
        #expect(engine.upstream.sent[0].field("x-anonymous-consumer") == "true")
        #expect(engine.upstream.sent[0].field("x-consumer-username") == "guest")
        #expect(engine.upstream.sent[0].field("x-credential-identifier") == nil)
        #expect(record.consumer?.name == "guest")
        #expect(record.scopes[0].fields["pellucid.auth.anonymous"] == "true")
    }

    @Test func `with a valid key nobody is anonymous`() async throws {
        let engine = try self.engine("anonymous: guest")
        let (_, record) = try await self.send(engine, headers: [("apikey", "right")])
        #expect(record.consumer?.name == "alice")
        #expect(engine.upstream.sent[0].field("x-anonymous-consumer") == nil)
    }

    @Test func `an anonymous consumer that does not exist is refused when the configuration is loaded`() {
        let problems = EngineFixture.problems(
            "services: [{name: s, url: \"http://h/\", plugins: [{name: key-auth, config: {anonymous: nobody}}]}]", plugins: PluginCatalog.plugins)
        #expect(problems.count == 1)
        #expect(problems.first?.contains("config.anonymous: names no consumer") == true)
    }

    @Test func `a preflight needs a key unless that is switched off`() async throws {
        #expect(try await self.send(try self.engine(), "OPTIONS").client.status == 401)
        let (client, record) = try await self.send(try self.engine("run_on_preflight: false"), "OPTIONS")
        #expect(client.status == 200)
        #expect(record.scopes[0].evidence.outcome == .passed)
        #expect(try await self.send(try self.engine("run_on_preflight: false"), "GET").client.status == 401)
    }

    @Test func `the plugin cannot be attached to a consumer`() {
        let problems = EngineFixture.problems("consumers: [{username: alice, plugins: [{name: key-auth}]}]", plugins: PluginCatalog.plugins)
        #expect(problems.count == 1)
    }

    @Test(arguments: ["right\u{0}", "right ", " right", "RIGHT", "righ", "rightt", "' or '1'='1"])
    func `keys that resemble a right one are wrong`(key: String) async throws {
        let query = key.utf8.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(try await self.send(try self.engine(), "GET", "/api?apikey=\(query)").client.status == 401)
    }
}
