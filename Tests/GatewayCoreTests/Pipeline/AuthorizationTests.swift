import GatewayCore
import GatewayTestSupport
import NIOCore
import Synchronization
import Telemetry
import TelemetryTestSupport
import Testing

/// Gives a number as token, another one after each renewal.
private final class CountingAuthorizer: UpstreamAuthorizer {
    static let callName: StaticString = "credentials test"
    let state = Mutex((token: 0, mustRenew: true, failure: AuthorizationFailure?.none, refusals: 0))

    func needsRenewal() -> Bool { self.state.withLock { $0.mustRenew } }

    func renew(_ permit: inout CallPermit) async throws(AuthorizationFailure) -> StaticString {
        let failure = self.state.withLock { state in
            if state.failure == nil {
                state.token += 1
                state.mustRenew = false
            }
            return state.failure
        }
        if let failure { throw failure }
        return "test"
    }

    func fields(for request: AuthorizedContent) throws(AuthorizationFailure) -> [(name: String, value: String)] {
        let token = self.state.withLock { $0.token }
        guard token > 0 else { throw AuthorizationFailure("credentials_missing", message: "none") }
        return [("Authorization", "Test \(token) \(request.target.readableBytes) \(request.body.readableBytes)"), ("X-Signed", "yes")]
    }

    var replacedNames: [String] { ["Authorization", "X-Amz-Date"] }
    func refused() { self.state.withLock { $0.refusals += 1 } }
}

private struct OneCredential: CredentialDirectory {
    let authorizer: CountingAuthorizer
    func authorizer(_ settings: CredentialSettings) throws(AuthorizationFailure) -> any UpstreamAuthorizer { self.authorizer }
    var defaultAWSRegion: String? { nil }
}

/// Directs every request to a fake model behind the authorizer.
private final class DirectingPlugin: RequestPlugin {
    typealias Configuration = NoSettings
    struct NoSettings: GatewayConfiguration, Hashable { init(from node: inout ConfigurationNode) {} }
    typealias Field = NoEvidence
    static let descriptor = PluginDescriptor(name: "directing", priority: 1)
    private let offer: ModelOffer

    init(configuration: NoSettings, services: PluginServices) throws(ConfigurationError) {
        guard let adapter = services.providers.adapter("fake") else { throw ConfigurationError(issues: []) }
        let authorizer: any UpstreamAuthorizer
        do throws(AuthorizationFailure) { authorizer = try services.credentials.authorizer(.gcp(GCPCredentialSettings())) } catch { throw ConfigurationError(issues: []) }
        self.offer = ModelOffer(
            adapter: adapter, operation: .chat, isModelConfigured: true,
            location: ProviderLocation(endpoint: UpstreamEndpoint(host: "model.test", port: 443, isTLS: true), path: "/v1/chat"), prices: nil, logsStatistics: false,
            logsPayloads: false, pluginID: "p", authorizer: authorizer)
    }

    func handle(_ request: inout GatewayRequest, _ context: inout StageContext<DirectingPlugin>) async throws(PluginFailure) -> RequestVerdict {
        let plan = ModelPlan(
            offer: self.offer, model: "m", target: ByteBuffer(string: "/v1/chat"), fields: FieldEdits(), isStream: false, hidesUsage: false, parameters: ModelParameters())
        request.upstream = .model(plan, body: ByteBuffer(string: "{}"))
        return .modified
    }
}

@Suite struct AuthorizationTests {
    private let authorizer = CountingAuthorizer()

    private func fixture() throws -> EngineFixture {
        try EngineFixture(
            "routes: [{name: r, paths: [/], plugins: [{name: directing, config: {}}]}]", plugins: [PluginRegistration(DirectingPlugin.self)],
            providers: ProviderDirectory([FakeAdapter()]), credentials: OneCredential(authorizer: self.authorizer))
    }

    private func calls(_ record: RecordedRequest) -> [RecordedRequest.Scope] { record.scopes.filter { $0.evidence.kind == .call } }

    @Test func `the first request waits for credentials under a call below its attempt, later ones do not`() async throws {
        let engine = try self.fixture()
        let first = try await engine.serve(try FakeExchange("POST", "/", body: [.bytes("{}")]), [.answer(FakeAnswer(200, headers: [("Content-Type", "application/json")], body: [.bytes("{}")]))])
        let call = try #require(self.calls(first).first)
        #expect(call.fields == ["pellucid.credential.source": "test"])
        #expect(call.evidence.outcome == .passed)
        #expect(call.evidence.parentSpanID == first.scopes.first { $0.evidence.kind == .attempt }?.evidence.spanID)
        let second = try await engine.serve(try FakeExchange("POST", "/", body: [.bytes("{}")]), [.answer(FakeAnswer(200, headers: [("Content-Type", "application/json")], body: [.bytes("{}")]))])
        #expect(self.calls(second).isEmpty)
        #expect(engine.upstream.sent.map { $0.field("Authorization") } == ["Test 1 8 2", "Test 1 8 2"])
    }

    @Test func `what a client signed its request with does not reach the upstream`() async throws {
        let engine = try self.fixture()
        let exchange = try FakeExchange("POST", "/", headers: [("Host", "h"), ("authorization", "AWS4-HMAC-SHA256 mine"), ("x-amz-date", "mine"), ("x-kept", "1")], body: [.bytes("{}")])
        _ = try await engine.serve(exchange, [.answer(FakeAnswer(200, headers: [("Content-Type", "application/json")], body: [.bytes("{}")]))])
        let sent = try #require(engine.upstream.sent.first)
        #expect(sent.values("authorization") == ["Test 1 8 2"])
        #expect(sent.values("x-amz-date") == [])
        #expect(sent.values("x-kept") == ["1"])
    }

    @Test func `another attempt is signed anew, once`() async throws {
        let engine = try self.fixture()
        _ = try await engine.serve(try FakeExchange("POST", "/", body: [.bytes("{}")]), [.fail(.connectRefused), .answer(FakeAnswer(200, headers: [("Content-Type", "application/json")], body: [.bytes("{}")]))])
        #expect(engine.upstream.sent.map { $0.values("authorization").count } == [1, 1])
        #expect(engine.upstream.sent.map { $0.values("x-signed").count } == [1, 1])
    }

    @Test func `without credentials nothing is sent, and the client is told in its format`() async throws {
        self.authorizer.state.withLock { $0.failure = AuthorizationFailure("credentials_refused", message: "AWS STS answered with status 403") }
        let engine = try self.fixture()
        let exchange = try FakeExchange("POST", "/", body: [.bytes("{}")])
        let record = try await engine.serve(exchange)
        #expect(engine.upstream.sent.isEmpty)
        #expect(exchange.status == 502)
        #expect(record.errorType == "credentials_refused")
        #expect(self.calls(record).first?.errorType == "credentials_refused")
        #expect(!exchange.body.contains("STS"))
    }

    @Test func `an upstream's refusal is passed on to the authorizer`() async throws {
        let engine = try self.fixture()
        _ = try await engine.serve(try FakeExchange("POST", "/", body: [.bytes("{}")]), [.answer(FakeAnswer(403, headers: [("Content-Type", "application/json")], body: [.bytes("{}")]))])
        #expect(self.authorizer.state.withLock { $0.refusals } == 1)
    }
}
