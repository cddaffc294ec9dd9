import GatewayCore
import GatewayPlugins
import GatewayProviders
import GatewayTestSupport
import GatewayWire
import NIOCore
import Synchronization
import Telemetry
import TelemetryTestSupport
import Testing

/// Credentials in memory: a token that is fetched when it is first needed, and again after a refusal.
private final class FakeCredentials: CredentialDirectory {
    final class Authorizer: UpstreamAuthorizer {
        static let callName: StaticString = "credentials fake"
        let settings: CredentialSettings
        let state = Mutex((token: 0, isValid: false, fails: false))

        init(_ settings: CredentialSettings) { self.settings = settings }

        func needsRenewal() -> Bool { self.state.withLock { !$0.isValid } }

        func renew(_ permit: inout CallPermit) async throws(AuthorizationFailure) -> StaticString {
            let hasFailed = self.state.withLock { state in
                if !state.fails { state = (state.token + 1, true, false) }
                return state.fails
            }
            if hasFailed { throw AuthorizationFailure("token_refused", message: "no token") }
            return "fake"
        }

        func fields(for request: AuthorizedContent) throws(AuthorizationFailure) -> [(name: String, value: String)] {
            let state = self.state.withLock { $0 }
            guard state.isValid else { throw AuthorizationFailure("credentials_missing", message: "none") }
            return [(name: "Authorization", value: "Fake \(state.token) \(request.method.name) \(request.host) \(String(buffer: request.target)) \(request.body.readableBytes)")]
        }

        let replacedNames = ["Authorization"]
        func refused() { self.state.withLock { $0.isValid = false } }
    }

    let made = Mutex<[Authorizer]>([])

    func authorizer(_ settings: CredentialSettings) throws(AuthorizationFailure) -> any UpstreamAuthorizer {
        let authorizer = Authorizer(settings)
        self.made.withLock { $0.append(authorizer) }
        return authorizer
    }

    var defaultAWSRegion: String? { nil }
}

@Suite struct CloudGuardTests {
    private func fixture(_ plugin: String, _ credentials: FakeCredentials = FakeCredentials()) throws(ConfigurationError) -> GuardFixture {
        GuardFixture(
            engine: try EngineFixture(
                """
                services:
                - name: llm
                  url: http://unused.test/
                  routes:
                  - name: chat
                    paths: [/chat]
                    plugins: [\(plugin), {name: ai-proxy, config: {route_type: llm/v1/chat, model: {provider: openai, name: m}, auth: {header_name: Authorization, header_value: Bearer sk}}}]
                """, plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory, credentials: credentials))
    }

    // MARK: Model Armor

    private static let armor = "https://modelarmor.us-central1.rep.googleapis.com/v1/projects/p/locations/us-central1/templates/t"
    private static func armor(_ more: String = "") -> String {
        "{name: ai-gcp-model-armor, config: {project_id: p, location_id: us-central1, template_id: t, gcp_use_service_account: true\(more.isEmpty ? "" : ", " + more)}}"
    }

    private static let clean = #"{"sanitizationResult":{"filterMatchState":"NO_MATCH_FOUND","invocationResult":"SUCCESS","filterResults":{"rai":{"raiFilterResult":{"executionState":"EXECUTION_SUCCESS","matchState":"NO_MATCH_FOUND"}}}}}"#
    private static let matched = #"""
        {"sanitizationResult":{"filterMatchState":"MATCH_FOUND","invocationResult":"SUCCESS","filterResults":{
        "rai":{"raiFilterResult":{"matchState":"MATCH_FOUND","raiFilterTypeResults":{"hate_speech":{"confidenceLevel":"HIGH","matchState":"MATCH_FOUND"},"harassment":{"matchState":"NO_MATCH_FOUND"}}}},
        "pi_and_jailbreak":{"piAndJailbreakFilterResult":{"matchState":"MATCH_FOUND"}},
        "sdp":{"sdpFilterResult":{"inspectResult":{"matchState":"MATCH_FOUND","findings":[{"infoType":"US_SSN","likelihood":"LIKELY"}]}}}}}}
        """#

    @Test func `Model Armor is asked with the last message and a token`() async throws {
        let fixture = try self.fixture(Self.armor("enable_multi_language_detection: true, source_language: de"))
        fixture.engine.http.on(Self.armor, json: Self.clean)
        let (client, record) = try await fixture.post(GuardFixture.chat([("user", "old"), ("user", "new")]))
        #expect(client.status == 200, "\(record.summary)")
        let call = try #require(fixture.engine.http.calls.first)
        #expect(call.url == Self.armor + ":sanitizeUserPrompt")
        #expect(call.text == #"{"userPromptData":{"text":"new"},"multiLanguageDetectionMetadata":{"sourceLanguage":"de","enableMultiLanguageDetection":true}}"#)
        #expect(call.header("authorization")?.hasPrefix("Fake 1 POST modelarmor.us-central1.rep.googleapis.com /v1/projects/p/") == true)
        #expect(GuardFixture.fields(record, "ai-gcp-model-armor request")["pellucid.guard.template_id"] == "t")
        #expect(record.summary.contains("call guard gcp: passed"))
    }

    @Test(arguments: [(false, "Request was filtered by GCP Model Armor"), (true, "Request was filtered by GCP Model Armor: hate_speech,pi_and_jailbreak,sdp:US_SSN")])
    func `what matched refuses, and is named when asked for`(reveals: Bool, message: String) async throws {
        let fixture = try self.fixture(Self.armor("reveal_failure_categories: \(reveals)"))
        fixture.engine.http.on(Self.armor, json: Self.matched)
        let (client, record) = try await fixture.say("hi")
        #expect(client.status == 400)
        #expect(GuardFixture.message(of: client) == message)
        #expect(GuardFixture.fields(record, "ai-gcp-model-armor request")["pellucid.guard.input_block_reason"] == "hate_speech,pi_and_jailbreak,sdp:US_SSN")
    }

    @Test(arguments: [
        (#"{"sanitizationResult":{"filterMatchState":"MATCH_FOUND"}}"#, 400, "content_blocked"),
        (#"{"sanitizationResult":{"filterMatchState":"NO_MATCH_FOUND","filterResults":{"new_kind":{"newFilterResult":{"matchState":"MATCH_FOUND"}}}}}"#, 400, "content_blocked"),
        (#"{"sanitizationResult":{"filterMatchState":"NO_MATCH_FOUND","invocationResult":"FAILURE"}}"#, 500, "guard_answer"), ("{}", 500, "guard_answer"),
    ])
    func `filters that are not known here count, and no verdict is none`(answer: String, status: Int, code: String) async throws {
        let fixture = try self.fixture(Self.armor())
        fixture.engine.http.on(Self.armor, json: answer)
        let (client, record) = try await fixture.say("hi")
        #expect(client.status == status)
        #expect(record.errorType == code)
    }

    @Test func `answers go to the other operation`() async throws {
        let fixture = try self.fixture(Self.armor("guarding_mode: OUTPUT"))
        fixture.engine.http.on(Self.armor, json: Self.matched)
        let (client, _) = try await fixture.say("hi")
        #expect(GuardFixture.message(of: client) == "Response was filtered by GCP Model Armor")
        #expect(fixture.engine.http.calls.map(\.url) == [Self.armor + ":sanitizeModelResponse"])
        #expect(fixture.engine.http.calls.map(\.text) == [#"{"modelResponseData":{"text":"ok"}}"#])
    }

    @Test func `a refused token is renewed for the next request`() async throws {
        let fixture = try self.fixture(Self.armor())
        fixture.engine.http.on(Self.armor, status: 401, json: "{}")
        #expect(try await fixture.say("hi").client.status == 500)
        fixture.engine.http.on(Self.armor, json: Self.clean)
        #expect(try await fixture.say("hi").client.status == 200)
        #expect(fixture.engine.http.calls.map { $0.header("authorization")?.prefix(6) } == ["Fake 1", "Fake 2"])
    }

    @Test func `without a token nobody is asked`() async throws {
        let credentials = FakeCredentials()
        let fixture = try self.fixture(Self.armor(), credentials)
        credentials.made.withLock { $0.forEach { authorizer in authorizer.state.withLock { $0.fails = true } } }
        let (client, record) = try await fixture.say("hi")
        #expect(client.status == 500)
        #expect(record.errorType == "token_refused")
        #expect(fixture.engine.http.calls.isEmpty)
    }

    // MARK: Bedrock

    private static let bedrock = "https://bedrock-runtime.eu-west-1.amazonaws.com/guardrail/gr%2F1/version/DRAFT/apply"
    private static func aws(_ more: String = "") -> String {
        "{name: ai-aws-guardrails, config: {aws_region: eu-west-1, guardrails_id: gr/1, guardrails_version: DRAFT, aws_access_key_id: AK, aws_secret_access_key: aws-secret\(more.isEmpty ? "" : ", " + more)}}"
    }

    private static let blocked = #"""
        {"action":"GUARDRAIL_INTERVENED","outputs":[{"text":"Input blocked due to policy violation."}],"assessments":[{"topicPolicy":{"topics":[{"name":"Quantum","type":"DENY","action":"BLOCKED"}]},
        "wordPolicy":{"customWords":[{"match":"badword1","action":"BLOCKED"}]},"contentPolicy":{"filters":[{"type":"VIOLENCE","confidence":"HIGH","action":"NONE"}]}}]}
        """#

    private static func masked(_ text: String) -> String {
        #"{"action":"GUARDRAIL_INTERVENED","outputs":[{"text":"\#(text)"}],"assessments":[{"sensitiveInformationPolicy":{"piiEntities":[{"type":"EMAIL","match":"a@b.c","action":"ANONYMIZED"}]}}]}"#
    }

    @Test func `a guardrail is asked with a signature`() async throws {
        let credentials = FakeCredentials()
        let fixture = try self.fixture(Self.aws(), credentials)
        fixture.engine.http.on(Self.bedrock, json: #"{"action":"NONE","outputs":[],"assessments":[]}"#)
        let (client, record) = try await fixture.post(GuardFixture.chat([("system", "s"), ("user", "hi")]))
        #expect(client.status == 200, "\(record.summary)")
        let call = try #require(fixture.engine.http.calls.first)
        #expect(call.url == Self.bedrock)
        #expect(call.text == #"{"source":"INPUT","content":[{"text":{"text":"s"}},{"text":{"text":"hi"}}]}"#)
        #expect(call.header("authorization") == "Fake 1 POST bedrock-runtime.eu-west-1.amazonaws.com /guardrail/gr%2F1/version/DRAFT/apply \(call.body.readableBytes)")
        guard case .aws(let settings)? = credentials.made.withLock({ $0.first?.settings }) else { throw CancellationError() }
        #expect(settings.service == "bedrock")
        #expect(settings.region == "eu-west-1")
        #expect(settings.accessKeyID == "AK")
        let fields = GuardFixture.fields(record, "ai-aws-guardrails request")
        #expect([fields["pellucid.guard.aws_region"], fields["pellucid.guard.guardrails_id"], fields["pellucid.guard.guardrails_version"]] == ["eu-west-1", "gr/1", "DRAFT"])
    }

    @Test func `what it blocks is refused with its message, the words stay out of the record`() async throws {
        let fixture = try self.fixture(Self.aws())
        fixture.engine.http.on(Self.bedrock, json: Self.blocked)
        let (client, record) = try await fixture.say("badword1 and qubits")
        #expect(client.status == 400)
        #expect(GuardFixture.message(of: client) == "Input blocked due to policy violation.")
        #expect(GuardFixture.fields(record, "ai-aws-guardrails request")["pellucid.guard.input_block_reason"] == "topic:Quantum,word")
        #expect(!"\(record)".contains("badword1"))
    }

    @Test func `what it would mask is refused where masking is off, and the text is no message`() async throws {
        let fixture = try self.fixture(Self.aws())
        fixture.engine.http.on(Self.bedrock, json: Self.masked("mail {EMAIL}"))
        let (client, _) = try await fixture.say("mail a@b.c")
        #expect(client.status == 400)
        #expect(GuardFixture.message(of: client) == "Request was filtered by AWS Guardrails")
    }

    @Test func `with masking the masked text goes on in its place`() async throws {
        let fixture = try self.fixture(Self.aws("allow_masking: true"))
        fixture.engine.http.on(Self.bedrock) { call in
            .success(HTTPAnswer(status: 200, body: ByteBuffer(string: call.text.contains("a@b.c") ? Self.masked("mail {EMAIL}") : #"{"action":"NONE"}"#)))
        }
        let (client, record) = try await fixture.post(GuardFixture.chat([("system", "be \"kind\""), ("user", "mail a@b.c"), ("user", "thanks")]))
        #expect(client.status == 200)
        #expect(fixture.sentContents == ["be \"kind\"", "mail {EMAIL}", "thanks"])
        let fields = GuardFixture.fields(record, "ai-aws-guardrails request")
        #expect(fields["pellucid.guard.input_masked"] == "true")
        #expect(fields["pellucid.guard.input_block_reason"] == "pii:EMAIL")
        #expect(!"\(record)".contains("a@b.c"))
    }

    @Test func `streams are masked too, window by window, and probabilities go`() async throws {
        let fixture = try self.fixture(Self.aws("allow_masking: true, guarding_mode: OUTPUT, response_buffer_size: 10"))
        fixture.engine.http.on(Self.bedrock) { call in
            .success(HTTPAnswer(status: 200, body: ByteBuffer(string: call.text.contains("a@b.c") ? Self.masked("write to {EMAIL}") : #"{"action":"NONE"}"#)))
        }
        let events = ["write ", "to a@b.c", " today, ok"].map { #"data: {"choices":[{"index":0,"delta":{"content":"\#($0)"},"logprobs":{"content":[{"token":"\#($0)"}]}}]}"# + "\n\n" }
        let (client, record) = try await fixture.stream(GuardFixture.chat([("user", "hi")], stream: true), pieces: events + ["data: [DONE]\n\n"])
        #expect(!client.body.contains("a@b.c"))
        #expect(client.body.contains(#""content":"write to {EMAIL}""#))
        #expect(client.body.contains(#""content":" today, ok""#))
        #expect(client.body.contains(#""logprobs":null"#))
        #expect(record.summary.contains("stage ai-aws-guardrails stream: modified, modify/continue"))
    }

    @Test(arguments: ["0", "01", "draft", "123456789", "1.0"])
    func `a version that is none is refused`(version: String) {
        let problems = EngineFixture.problems(
            "services: [{name: s, url: \"http://h/\", plugins: [{name: ai-aws-guardrails, config: {aws_region: r, guardrails_id: g, guardrails_version: \"\(version)\"}}]}]",
            plugins: PluginRegistrations.all)
        #expect(problems.contains { $0.contains("guardrails_version: must be a number") }, "\(problems)")
    }

    // MARK: Azure identities

    @Test func `Azure's service takes an identity instead of a key`() async throws {
        let credentials = FakeCredentials()
        let fixture = try self.fixture("{name: ai-azure-content-safety, config: {content_safety_url: \"https://acs.test\", azure_use_managed_identity: true, azure_client_id: c, azure_tenant_id: t}}", credentials)
        fixture.engine.http.on("https://acs.test", json: #"{"categoriesAnalysis":[]}"#)
        let (client, record) = try await fixture.say("hi")
        #expect(client.status == 200, "\(record.summary)")
        let call = try #require(fixture.engine.http.calls.first)
        #expect(call.header("authorization")?.hasPrefix("Fake 1 POST acs.test /contentsafety/text:analyze?api-version=2023-10-01") == true)
        #expect(call.header("ocp-apim-subscription-key") == nil)
        guard case .azure(let settings)? = credentials.made.withLock({ $0.first?.settings }) else { throw CancellationError() }
        #expect(settings.clientID == "c")
        #expect(settings.tenantID == "t")
    }
}
