import GatewayCore
import GatewayPlugins
import GatewayProviders
import GatewayTestSupport
import Telemetry
import TelemetryTestSupport
import Testing

/// What every plugin of the catalog has to do, whatever it does.
@Suite struct PluginContractTests {
    private func engine(_ plugin: PluginContract, settings: String = "") throws(ConfigurationError) -> EngineFixture {
        let engine = try EngineFixture(
            """
            services:
            - name: origin
              url: http://origin.test/
              routes: [{name: api, paths: [/api]}]
              plugins: [{name: \(plugin.name), config: \(plugin.configuration)\(settings)}]
            consumers: [{username: alice, keyauth_credentials: [{key: right}]}]
            """, plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
        // Every outside service answers as a model does; what asks for something else has an answer it cannot use.
        engine.http.on("http", json: "{\"choices\":[{\"message\":{\"content\":\"{}\"}}]}")
        return engine
    }

    /// Requests of every kind: good ones, bad ones, and clients that leave.
    private static func requests() throws -> [FakeExchange] {
        let json = [("Host", "gateway.test"), ("Content-Type", "application/json"), ("apikey", "right")]
        let chat = "{\"model\":\"openai/gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"
        var exchanges = [
            try FakeExchange("GET", "/api"), try FakeExchange("GET", "/api?apikey=wrong&apikey=twice"), try FakeExchange("OPTIONS", "/api"), try FakeExchange("HEAD", "/api"),
            try FakeExchange("POST", "/api", headers: json, body: [.bytes(chat.replacing("openai/", with: ""))]), try FakeExchange("POST", "/api", headers: json, body: [.bytes(chat)]),
            try FakeExchange("POST", "/api", headers: json, body: [.bytes("{\"messages\":")]), try FakeExchange("POST", "/api", headers: json, body: [.bytes("[]")]),
            try FakeExchange("POST", "/api", headers: json, body: [.bytes("\u{0}\u{1}")]), try FakeExchange("POST", "/api", headers: json, body: [.bytes("{"), .fail(.closed)]),
            try FakeExchange("POST", "/api", headers: json, body: [.bytes("{"), .fail(.timeout)]),
            try FakeExchange("POST", "/api", headers: [("Host", "h"), ("Content-Type", "text/plain")], body: [.bytes("plain")]),
        ]
        let leaving = try FakeExchange("POST", "/api", headers: json, body: [.bytes(chat)])
        leaving.departure = .readingBody(after: 0)
        exchanges.append(leaving)
        return exchanges
    }

    @Test func `every plugin of the catalog is under contract and no other`() {
        #expect(PluginContract.all.map(\.name).sorted() == PluginCatalog.plugins.map(\.name).sorted())
    }

    @Test func `names are unique`() {
        #expect(Set(PluginCatalog.plugins.map(\.name)).count == PluginCatalog.plugins.count)
    }

    @Test(arguments: PluginContract.all)
    func `its name is Kong's hyphenated spelling`(plugin: PluginContract) {
        #expect(plugin.name.wholeMatch(of: /[a-z0-9]+(-[a-z0-9]+)*/) != nil)
    }

    @Test(arguments: PluginContract.all)
    func `its priority and audit path are pinned`(plugin: PluginContract) {
        #expect(plugin.descriptor.priority == plugin.priority)
        #expect("\(plugin.descriptor.auditPath)" == plugin.auditPath)
    }

    @Test(arguments: PluginContract.all)
    func `its fields have distinct keys in known namespaces`(plugin: PluginContract) {
        #expect(Set(plugin.fieldKeys).count == plugin.fieldKeys.count)
        for key in plugin.fieldKeys {
            #expect(key.hasPrefix("gen_ai.") || key.hasPrefix("pellucid.") || key.hasPrefix("mcp."), "\(key)")
            #expect(key.wholeMatch(of: /[a-z0-9_]+(\.[a-z0-9_]+)+/) != nil, "\(key)")
        }
    }

    @Test(arguments: PluginContract.all)
    func `its least configuration is accepted`(plugin: PluginContract) throws {
        _ = try self.engine(plugin)
    }

    @Test(arguments: PluginContract.all)
    func `a key it does not know is refused with its path`(plugin: PluginContract) {
        let body = plugin.configuration == "{}" ? "{unknown_key: 1}" : plugin.configuration.replacing("{", with: "{unknown_key: 1, ", maxReplacements: 1)
        let problems = EngineFixture.problems(
            "services: [{name: s, url: \"http://h/\", plugins: [{name: \(plugin.name), config: \(body)}]}]", plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix("services[0].plugins[0].config.unknown_key: is not a known field") == true, "\(problems)")
    }

    @Test(arguments: PluginContract.all.filter(\.hasRequestStage))
    func `every request leaves the evidence of its stage however it ends`(plugin: PluginContract) async throws {
        let engine = try self.engine(plugin)
        let stage = "\(plugin.name) request"
        for exchange in try Self.requests() {
            let record = try await engine.serve(exchange, [.answer(FakeAnswer(body: [.bytes("{}")]))])
            engine.upstream.replies = []
            let scopes = record.scopes.filter { $0.stage == stage }
            #expect(scopes.count == 1, "\(record.summary)")
            for scope in scopes {
                #expect(scope.evidence.outcome != .abandoned)
                #expect(!scope.evidence.isOpen)
                #expect(scope.fields.keys.allSatisfy { plugin.fieldKeys.contains($0) }, "\(scope.fields)")
                if scope.evidence.outcome == .rejected {
                    #expect(!scope.errorType.isEmpty)
                    #expect(record.errorType == scope.errorType || record.root.outcome == .cancelled)
                }
            }
            #expect(record.root.outcome != .abandoned)
            #expect(record.root.status != 500, "\(record.summary)")
        }
        #expect(engine.flow.unaccountedRequests() == 0)
    }

    @Test(arguments: PluginContract.all.filter(\.hasRequestStage))
    func `in shadow mode it refuses nothing and changes nothing`(plugin: PluginContract) async throws {
        let engine = try self.engine(plugin, settings: ", _pellucid: {mode: shadow}")
        for exchange in try Self.requests() {
            let record = try await engine.serve(exchange, [.answer(FakeAnswer(body: [.bytes("answer")]))])
            engine.upstream.replies = []
            #expect(record.scopes.first { $0.stage == "\(plugin.name) request" }?.mode == .shadow)
            #expect(record.scopes.allSatisfy { [.continue, .wouldAnswer, .wouldBlock, .wouldModify].contains($0.evidence.action) || $0.stage.isEmpty })
            if record.root.outcome == .passed {
                #expect(exchange.status == 200)
                #expect(engine.upstream.sent.last?.request.host == "origin.test")
            } else {
                // Only what the client itself broke.
                #expect([.cancelled, .rejected].contains(record.root.outcome), "\(record.summary)")
            }
        }
    }

    @Test(arguments: PluginContract.all.filter { !$0.hasRequestStage })
    func `a log plugin's sink gets every request of its scope however it ends`(plugin: PluginContract) async throws {
        let engine = try self.engine(plugin)
        let exchanges = try Self.requests()
        for exchange in exchanges {
            _ = try await engine.serve(exchange, [.answer(FakeAnswer(body: [.bytes("answer")]))])
            engine.upstream.replies = []
        }
        _ = try await engine.serve(try FakeExchange("GET", "/elsewhere"))
        let names = engine.sinks.names
        #expect(names.count == 1)
        #expect(engine.sinks.sink(names.first ?? "")?.requests.count == exchanges.count)
    }
}
