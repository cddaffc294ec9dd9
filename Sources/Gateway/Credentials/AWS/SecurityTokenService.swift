import GatewayCore
import GatewayWire
import NIOCore
import Telemetry

/// Roles, by AWS STS: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html and …/API_AssumeRoleWithWebIdentity.html
struct SecurityTokenService {
    private let environment: CredentialEnvironment
    private let region: String
    private let endpointURL: String?

    private static let endpoint = "AWS STS"

    init(environment: CredentialEnvironment, region: String, endpointURL: String?) {
        self.environment = environment
        self.region = region
        self.endpointURL = endpointURL ?? environment.variable("AWS_ENDPOINT_URL_STS")
    }

    /// A role, with the credentials of somebody who may assume it.
    func assume(
        _ role: String, session: String, externalID: String? = nil, with credentials: AWSCredentials, _ permit: inout CallPermit
    ) async throws(AuthorizationFailure) -> AWSCredentials {
        var fields = [("Action", "AssumeRole"), ("Version", "2011-06-15"), ("RoleArn", role), ("RoleSessionName", session)]
        if let externalID { fields.append(("ExternalId", externalID)) }
        return try await self.send(fields, signedWith: credentials, &permit)
    }

    /// A role, with a token of an identity provider; nothing is signed.
    func assume(_ role: String, session: String, webIdentity token: String, _ permit: inout CallPermit) async throws(AuthorizationFailure) -> AWSCredentials {
        try await self.send(
            [("Action", "AssumeRoleWithWebIdentity"), ("Version", "2011-06-15"), ("RoleArn", role), ("RoleSessionName", session), ("WebIdentityToken", token)],
            signedWith: nil, &permit)
    }

    private func send(
        _ fields: [(name: String, value: String)], signedWith credentials: AWSCredentials?, _ permit: inout CallPermit
    ) async throws(AuthorizationFailure) -> AWSCredentials {
        let type = "application/x-www-form-urlencoded; charset=utf-8"
        let body = FormBody.make(fields)
        var headers = [(name: "Content-Type", value: type)]
        let url = self.url
        if let credentials {
            let (host, path) = SecurityTokenService.parts(of: url)
            let content = AuthorizedContent(method: .post, target: ByteBuffer(string: path), host: host, contentType: type, body: body)
            headers += try SigV4Signer(region: self.region, service: "sts").sign(content, credentials, at: self.environment.now)
        }
        let answer = try await self.environment.fetch(HTTPCall(url: url, headers: headers, body: body), SecurityTokenService.endpoint, &permit)
        let text = answer.text
        guard let id = XMLText.value(of: "AccessKeyId", in: text), let secret = XMLText.value(of: "SecretAccessKey", in: text) else {
            throw AuthorizationFailure("token_answer_invalid", message: "AWS STS answered without keys")
        }
        let expiry = XMLText.value(of: "Expiration", in: text).flatMap { Timestamp(rfc3339: $0)?.secondsSinceEpoch }
        return AWSCredentials(
            accessKeyID: id, secretAccessKey: secret, sessionToken: XMLText.value(of: "SessionToken", in: text), expiry: expiry ?? self.environment.now + 900)
    }

    /// Host field and path of a URL, as libcurl sends them: without the scheme's own port.
    private static func parts(of url: String) -> (host: String, path: String) {
        let isTLS = url.hasPrefix("https://")
        let rest = url.dropFirst(isTLS ? 8 : 7)
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        var host = rest[..<end]
        let standard = isTLS ? ":443" : ":80"
        if host.hasSuffix(standard) { host = host.dropLast(standard.count) }
        let path = rest[end...]
        return (String(host), path.hasPrefix("/") ? String(path) : "/" + path)
    }

    /// The region's own endpoint unless another one is configured.
    private var url: String {
        if let endpointURL { return endpointURL.hasPrefix("http://") || endpointURL.hasPrefix("https://") ? endpointURL : "https://\(endpointURL)" }
        return "https://sts.\(self.region).\(AWSPartition.domain(of: self.region))/"
    }
}

/// The DNS name of a region's services (https://docs.aws.amazon.com/general/latest/gr/rande.html).
enum AWSPartition {
    static func domain(of region: String) -> String { region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com" }
}
