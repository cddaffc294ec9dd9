import GatewayCore
import GatewayWire
import Telemetry

/// Credentials of a task or pod (ECS, EKS pod identity): https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
struct ContainerCredentials {
    private let environment: CredentialEnvironment
    private let url: String

    /// Nil where the environment names no such endpoint.
    init?(_ environment: CredentialEnvironment) throws(AuthorizationFailure) {
        self.environment = environment
        if let path = environment.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
            self.url = "http://169.254.170.2" + path
        } else if let url = environment.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
            guard ContainerCredentials.isAllowed(url) else {
                throw AuthorizationFailure("credentials_url_refused", message: "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or on the loopback or a container host")
            }
            self.url = url
        } else {
            return nil
        }
    }

    func credentials(_ permit: inout CallPermit) async throws(AuthorizationFailure) -> AWSCredentials {
        var headers: [(name: String, value: String)] = []
        if let file = self.environment.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            guard let token = self.environment.file(file)?.trimmed else {
                throw AuthorizationFailure("credentials_file_unreadable", message: "the container authorization token file cannot be read")
            }
            headers.append(("Authorization", token))
        } else if let token = self.environment.variable("AWS_CONTAINER_AUTHORIZATION_TOKEN") {
            headers.append(("Authorization", token))
        }
        let call = HTTPCall(method: "GET", url: self.url, headers: headers, connectTimeoutMilliseconds: 1000, totalTimeoutMilliseconds: 5000)
        let endpoint = "the container credentials endpoint"
        return try AWSCredentials(json: try await self.environment.fetch(call, endpoint, &permit), from: endpoint)
    }

    /// Keys travel in clear only to addresses that cannot leave the host.
    private static func isAllowed(_ url: String) -> Bool {
        if url.hasPrefix("https://") { return true }
        guard url.hasPrefix("http://") else { return false }
        let authority = url.dropFirst(7).prefix { $0 != "/" && $0 != "?" }
        if authority.contains("@") { return false }
        let host = authority.hasPrefix("[") ? authority.prefix { $0 != "]" }.dropFirst() : authority.prefix { $0 != ":" }
        return ["localhost", "::1", "169.254.170.2", "169.254.170.23", "fd00:ec2::23"].contains(String(host)) || host.hasPrefix("127.")
    }
}

extension AWSCredentials {
    /// The answer of a metadata endpoint.
    init(json answer: TokenAnswer, from endpoint: String) throws(AuthorizationFailure) {
        guard let document = answer.json, let id = document["AccessKeyId"]?.string, let secret = document["SecretAccessKey"]?.string else {
            throw AuthorizationFailure("token_answer_invalid", message: "\(endpoint) answered without keys")
        }
        let expiry = document["Expiration"]?.string.flatMap { Timestamp(rfc3339: $0)?.secondsSinceEpoch }
        self.init(accessKeyID: id, secretAccessKey: secret, sessionToken: document["Token"]?.string, expiry: expiry)
    }
}
