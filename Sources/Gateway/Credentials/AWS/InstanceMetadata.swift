import GatewayCore
import GatewayWire

/// Credentials of an EC2 instance's role, by IMDSv2 only: a session token first, then the role, then its keys.
/// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
struct InstanceMetadata {
    private let environment: CredentialEnvironment
    private let base: String

    init(_ environment: CredentialEnvironment) {
        self.environment = environment
        let isIPv6 = environment.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE")?.lowercased() == "ipv6"
        let base = environment.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT") ?? (isIPv6 ? "http://[fd00:ec2::254]" : "http://169.254.169.254")
        self.base = base.hasSuffix("/") ? String(base.dropLast()) : base
    }

    private static let endpoint = "the instance metadata service"

    func credentials(_ permit: inout CallPermit) async throws(AuthorizationFailure) -> AWSCredentials {
        guard self.environment.variable("AWS_EC2_METADATA_DISABLED")?.lowercased() != "true" else {
            throw AuthorizationFailure("credentials_missing", message: "no AWS credentials are configured, and the instance metadata service is disabled")
        }
        let token = try await self.ask("PUT", "/latest/api/token", [("X-aws-ec2-metadata-token-ttl-seconds", "21600")], &permit).text.trimmed
        let authorization = [(name: "X-aws-ec2-metadata-token", value: token)]
        let path = "/latest/meta-data/iam/security-credentials/"
        let roles = try await self.ask("GET", path, authorization, &permit).text
        guard let role = roles.split(whereSeparator: \.isNewline).first.map({ String($0).trimmed }), !role.isEmpty else {
            throw AuthorizationFailure("credentials_missing", message: "the instance has no role")
        }
        return try AWSCredentials(json: try await self.ask("GET", path + PercentEncoding.encoded(role), authorization, &permit), from: InstanceMetadata.endpoint)
    }

    private func ask(
        _ method: String, _ path: String, _ headers: [(name: String, value: String)], _ permit: inout CallPermit
    ) async throws(AuthorizationFailure) -> TokenAnswer {
        // Where there is no such service its address leads nowhere: waiting long would only delay the error.
        let call = HTTPCall(method: method, url: self.base + path, headers: headers, connectTimeoutMilliseconds: 1000, totalTimeoutMilliseconds: 3000)
        return try await self.environment.fetch(call, InstanceMetadata.endpoint, &permit)
    }
}
