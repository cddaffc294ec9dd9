import GatewayCredentials
import GatewayTestSupport
import GatewayWire
import NIOCore
import Synchronization
import Telemetry
import Testing

@testable import GatewayCore

/// An outside world in memory: variables, files, a clock to set, endpoints by URL.
final class CredentialFixture: Sendable {
    let http = FakeHTTP()
    private let clock: Mutex<Int>
    private let variables: [String: String]
    private let files: Mutex<[String: String]>

    init(variables: [String: String] = [:], files: [String: String] = [:], now: Int = 1_700_000_000) {
        self.variables = variables
        self.files = Mutex(files)
        self.clock = Mutex(now)
    }

    /// Seconds since 1970.
    var now: Int {
        get { self.clock.withLock { $0 } }
        set { self.clock.withLock { $0 = newValue } }
    }

    var environment: CredentialEnvironment {
        CredentialEnvironment(
            variables: self.variables, file: { [self] path in self.files.withLock { $0[path] } }, wallClock: { [self] in UInt64(self.now) * 1_000_000_000 },
            http: HTTPService(self.http))
    }

    func authorizer(_ settings: CredentialSettings) throws -> any UpstreamAuthorizer { try CredentialStore(self.environment).authorizer(settings) }

    static func aws(_ change: (inout AWSCredentialSettings) -> Void = { _ in }) -> CredentialSettings {
        var settings = AWSCredentialSettings(service: "bedrock", region: "eu-west-1")
        change(&settings)
        return .aws(settings)
    }

    static func gcp(_ change: (inout GCPCredentialSettings) -> Void = { _ in }) -> CredentialSettings {
        var settings = GCPCredentialSettings()
        change(&settings)
        return .gcp(settings)
    }

    static func azure(_ change: (inout AzureCredentialSettings) -> Void = { _ in }) -> CredentialSettings {
        var settings = AzureCredentialSettings()
        change(&settings)
        return .azure(settings)
    }
}

extension UpstreamAuthorizer {
    /// Renews under a permit of its own.
    func renewed() async throws(AuthorizationFailure) -> String {
        let loop = EvidenceFlow(registry: MetricRegistry(), ringCapacity: 8).makeLoop(identifiers: IdentifierGenerator(seed: 1))
        let record = loop.begin(parent: nil, isSampled: false, at: 1)
        var permit = CallPermit(record.openAttempt())
        let source = try await self.renew(&permit)
        return "\(source)"
    }

    /// The fields of a small request.
    func fields() throws(AuthorizationFailure) -> [String: String] {
        let content = AuthorizedContent(
            method: .post, target: ByteBuffer(string: "/model/m/converse"), host: "example.com", contentType: "application/json", body: ByteBuffer(string: "{}"))
        return Dictionary(try self.fields(for: content).map { ($0.name, $0.value) }, uniquingKeysWith: { a, _ in a })
    }
}
