import GatewayCore
import GatewayPlugins
import GatewayProviders
import GatewayTestSupport
import NIOCore
import TelemetryTestSupport
import Testing

@Suite struct CustomGuardrailTests {
    /// Kong's documented shapes: parameters as JSON, functions by parameter name, whole and mixed expressions.
    private static let config = #"""
        params: {key: c-secret, categories: '[{"name": "Hate", "rejection_level": 2}]', upper: '$(string.upper(source))'}
        request:
          url: "http://judge.test/$(conf.params.upper)"
          headers: {X-Key: "Token $(conf.params.key)"}
          queries: {v: "1 2"}
          body: {text: $(content), names: $(names), level: "3", source: $(source)}
          auth: {location: body, name: token, value: t-secret}
        response: {block: $(check.block), block_message: $(check.message)}
        metrics: {block_reason: $(check.reason), block_detail: $(resp.score)}
        custom_metrics: {score: $(resp.score)}
        functions:
          names: |
            return function(conf)
              local names = {}
              for _, v in ipairs(conf.params.categories or EMPTY_T) do table.insert(names, v.name) end
              return names
            end
          check: |
            return function(resp, source)
              return {block = resp.score > 5, message = source .. " scored " .. resp.score, reason = "score"}
            end
        """#

    private func fixture(_ config: String = Self.config) throws(ConfigurationError) -> GuardFixture {
        let indented = config.split(separator: "\n", omittingEmptySubsequences: false).map { "        " + $0 }.joined(separator: "\n")
        return GuardFixture(
            engine: try EngineFixture(
                """
                services:
                - name: llm
                  url: http://unused.test/
                  routes:
                  - name: chat
                    paths: [/chat]
                    plugins:
                    - name: ai-proxy
                      config: {route_type: llm/v1/chat, model: {provider: openai, name: m}, auth: {header_name: Authorization, header_value: Bearer sk}}
                    - name: ai-custom-guardrail
                      config:
                \(indented)
                """, plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory))
    }

    @Test func `the request is made from templates`() async throws {
        let fixture = try self.fixture()
        fixture.engine.http.on("http://judge.test", json: #"{"score":1}"#)
        let (client, record) = try await fixture.post(GuardFixture.chat([("user", "first"), ("user", "say \"hi\"")]))
        #expect(client.status == 200, "\(record.summary)")
        let call = try #require(fixture.engine.http.calls.first)
        #expect(call.url == "http://judge.test/INPUT?v=1%202")
        #expect(call.header("x-key") == "Token c-secret")
        #expect(call.header("content-type") == "application/json")
        #expect(call.text == #"{"level":3,"names":["Hate"],"source":"INPUT","text":"say \"hi\"","token":"t-secret"}"#)
        let fields = GuardFixture.fields(record, "ai-custom-guardrail request")
        #expect(fields["pellucid.guard.custom_metrics"] == #"{"score":1}"#)
        #expect(fields["pellucid.guard.mode"] == "INPUT")
        #expect(!"\(record)".contains("secret"))
    }

    @Test func `what the response template says blocks`() async throws {
        let fixture = try self.fixture()
        fixture.engine.http.on("http://judge.test", json: #"{"score":7}"#)
        let (client, record) = try await fixture.say("hi")
        #expect(client.status == 400)
        #expect(GuardFixture.message(of: client) == "INPUT scored 7")
        let fields = GuardFixture.fields(record, "ai-custom-guardrail request")
        #expect(fields["pellucid.guard.input_block_reason"] == "score")
        #expect(fields["pellucid.guard.input_block_detail"] == "7")
        #expect(fields["pellucid.guard.input_block_source"] == "ai-custom-guardrail")
    }

    @Test(arguments: [("true", true), ("false", false), ("$(resp.no)", false), ("$(resp.action)", true), ("$(not resp.action)", false), ("$(resp.action == 'NONE')", false)])
    func `block is what Lua takes for true`(block: String, isBlocked: Bool) async throws {
        let fixture = try self.fixture("request: {url: \"http://judge.test\"}\nresponse: {block: \"\(block)\", block_message: denied}")
        fixture.engine.http.on("http://judge.test", json: #"{"action":"BLOCK"}"#)
        let (client, _) = try await fixture.say("hi")
        #expect(client.status == (isBlocked ? 400 : 200))
    }

    @Test func `an answer that is no JSON is a string`() async throws {
        let fixture = try self.fixture("request: {url: \"http://judge.test\"}\nresponse: {block: \"$(resp == 'deny')\", block_message: denied}")
        fixture.engine.http.on("http://judge.test") { _ in .success(HTTPAnswer(status: 200, body: ByteBuffer(string: "deny"))) }
        #expect(try await fixture.say("hi").client.status == 400)
    }

    @Test(arguments: [("return function(resp) return resp.missing.field end", "script_error"), ("return function(resp) while true do end end", "script_instruction_limit"),
        ("return function() return nil, 'content safety introspection is invalid' end", "script_error")])
    func `a function that fails stops the request`(code: String, expected: String) async throws {
        let fixture = try self.fixture("request: {url: \"http://judge.test\"}\nresponse: {block: $(check), block_message: denied}\nfunctions: {check: \"\(code)\"}")
        fixture.engine.http.on("http://judge.test", json: "{}")
        let (client, record) = try await fixture.say("hi")
        #expect(client.status == 500)
        #expect(record.errorType == expected)
    }

    @Test(arguments: [
        ("request: {url: \"http://j.test/$(x\"}\nresponse: {block: \"true\", block_message: m}", "config.request.url: is no Lua that works here: an expression \"$(\" has no end"),
        ("request: {url: \"http://j.test\", body: {a: \"$(1 +)\"}}\nresponse: {block: \"true\", block_message: m}", "config.request.body.a: is no Lua that works here"),
        ("request: {url: \"http://j.test\"}\nresponse: {block: \"true\", block_message: m}\nfunctions: {f: \"return return\"}", "config.functions.f: is no Lua that works here"),
        ("request: {url: \"http://j.test\"}\nresponse: {block: \"true\", block_message: m}\nfunctions: {\"a-b\": \"return 1\"}", "config.functions: \"a-b\" is no name of a Lua function"),
        ("request: {url: \"http://j.test\", auth: {name: a}}\nresponse: {block: \"true\", block_message: m}", "config.request.auth: needs both name and value"),
    ])
    func `Lua that does not compile is refused with its path`(config: String, problem: String) {
        do throws(ConfigurationError) {
            _ = try self.fixture(config)
            Issue.record("accepted")
        } catch { #expect(error.issues.contains { $0.description.contains(problem) }, "\(error.issues)") }
    }

    @Test func `answers and streams are judged`() async throws {
        let fixture = try self.fixture("guarding_mode: OUTPUT\n" + Self.config)
        fixture.engine.http.on("http://judge.test") { call in
            .success(HTTPAnswer(status: 200, body: ByteBuffer(string: call.text.contains("poison") ? #"{"score":9}"# : #"{"score":0}"#)))
        }
        let (client, _) = try await fixture.post(GuardFixture.chat([("user", "hi")]), answer: #"{"choices":[{"message":{"content":"poison"}}]}"#)
        #expect(GuardFixture.message(of: client) == "OUTPUT scored 9")
        let event = #"data: {"choices":[{"index":0,"delta":{"content":"poison"}}]}"# + "\n\n"
        let (stream, _) = try await fixture.stream(GuardFixture.chat([("user", "hi")], stream: true), pieces: [event, "data: [DONE]\n\n"])
        #expect(!stream.body.contains("poison"))
        #expect(stream.body.contains("OUTPUT scored 9"))
    }
}
