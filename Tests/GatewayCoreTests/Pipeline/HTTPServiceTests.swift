import GatewayCore
import GatewayTestSupport
import NIOCore
import Telemetry
import TelemetryTestSupport
import Testing

/// Asks a URL; its answer is the status, unless it is told to fail for one that is not 200.
private struct URLService: OutsideService {
    static let callName: StaticString = "probe_http"
    let http: HTTPService
    let isStrict: Bool

    func ask(_ query: HTTPCall, _ permit: inout CallPermit) async throws(PluginFailure) -> Int {
        let answer: HTTPAnswer
        do throws(HTTPCallFailure) { answer = try await self.http.send(query, &permit) } catch {
            if self.isStrict { throw error.pluginFailure }
            return 0
        }
        if self.isStrict, answer.status != 200 { throw PluginFailure("not_ok") }
        return answer.status
    }
}

private final class HTTPProbe: RequestPlugin {
    struct Settings: GatewayConfiguration, Hashable {
        let url: String
        let isStrict: Bool
        init(from node: inout ConfigurationNode) {
            self.url = node.requiredString("url")
            self.isStrict = node.bool("strict", default: false)
        }
    }

    typealias Field = NoEvidence
    static let descriptor = PluginDescriptor(name: "http-probe", priority: 1)
    private let settings: Settings
    private let service: URLService

    init(configuration: Settings, services: PluginServices) throws(ConfigurationError) {
        self.settings = configuration
        self.service = URLService(http: services.http, isStrict: configuration.isStrict)
    }

    func handle(_ request: inout GatewayRequest, _ context: inout StageContext<HTTPProbe>) async throws(PluginFailure) -> RequestVerdict {
        let status = try await context.call(self.service, HTTPCall(url: self.settings.url, headers: [("Authorization", "Bearer top-secret")], body: ByteBuffer(string: "content")))
        return .respond(GatewayResponse(status: 200, body: ByteBuffer(string: "\(status)")))
    }
}

@Suite struct HTTPServiceTests {
    private func serve(_ url: String, strict: Bool = false, _ script: (FakeHTTP) -> Void) async throws -> (client: FakeExchange, record: RecordedRequest) {
        let engine = try EngineFixture(
            "routes: [{name: r, paths: [/], plugins: [{name: http-probe, config: {url: \"\(url)\", strict: \(strict)}}]}]", plugins: [PluginRegistration(HTTPProbe.self)])
        script(engine.http)
        let client = try FakeExchange("GET", "/")
        let record = try await engine.serve(client)
        return (client, record)
    }

    private func call(_ record: RecordedRequest) throws -> RecordedRequest.Scope { try #require(record.scopes.first { $0.evidence.kind == .call }) }

    @Test func `an answer's span says whom was asked and what came, and nothing secret`() async throws {
        let (client, record) = try await self.serve("https://guard.test:8443/v1/check?key=top-secret") { $0.on("https://guard.test", json: "{}") }
        #expect(client.body == "200")
        let call = try self.call(record)
        #expect(call.fields == ["http.request.method": "POST", "server.address": "guard.test", "server.port": "8443", "http.response.status_code": "200"])
        #expect(call.evidence.outcome == .passed)
        #expect(call.evidence.parentSpanID == record.scopes[0].evidence.spanID)
    }

    @Test(arguments: HTTPCallFailure.Code.allCases)
    func `a broken exchange fails its span, whatever the service makes of it`(code: HTTPCallFailure.Code) async throws {
        for strict in [false, true] {
            let (client, record) = try await self.serve("http://guard.test/", strict: strict) { $0.on("http://guard.test") { _ in .failure(HTTPCallFailure(code)) } }
            #expect(client.status == (strict ? 500 : 200))
            let call = try self.call(record)
            #expect(call.evidence.outcome == .failed)
            #expect(call.errorType == "\(code.name)")
            #expect(call.fields["server.port"] == "80")
            #expect(record.errorType == (strict ? "\(code.name)" : ""))
        }
    }

    @Test(arguments: [(404, "http_4xx"), (500, "http_5xx")])
    func `an error status fails the span; a service that throws names it`(status: Int, code: String) async throws {
        let lenient = try self.call(try await self.serve("http://guard.test/") { $0.on("http://guard.test", status: status, json: "") }.record)
        #expect(lenient.evidence.outcome == .failed)
        #expect(lenient.errorType == code)
        let strict = try self.call(try await self.serve("http://guard.test/", strict: true) { $0.on("http://guard.test", status: status, json: "") }.record)
        #expect(strict.errorType == "not_ok")
        #expect(strict.fields["http.response.status_code"] == "\(status)")
    }
}
