import GatewayCore

/// Signs requests to an AWS service with credentials from where the settings say.
final class AWSAuthorizer: UpstreamAuthorizer {
    static let callName: StaticString = "credentials aws"

    private let environment: CredentialEnvironment
    private let signer: SigV4Signer
    private let cache: TokenCache<AWSCredentials>

    init(_ settings: AWSCredentialSettings, _ environment: CredentialEnvironment) throws(AuthorizationFailure) {
        let chain = try AWSCredentialChain(settings, environment)
        self.environment = environment
        self.signer = SigV4Signer(region: settings.region, service: settings.service)
        self.cache = TokenCache(now: { environment.now }) { (permit: inout CallPermit) async throws(AuthorizationFailure) in
            let (credentials, source) = try await chain.credentials(&permit)
            return TokenCache.Entry(value: credentials, expiry: credentials.expiry, source: source)
        }
    }

    func needsRenewal() -> Bool { self.cache.needsRenewal() }
    func renew(_ permit: inout CallPermit) async throws(AuthorizationFailure) -> StaticString { try await self.cache.renew(&permit) }
    func refused() { self.cache.refused() }

    var replacedNames: [String] { AWSAuthorizer.replaced }

    /// What an AWS SDK signed its request to the gateway with, and what only says how it did.
    private static let replaced = ["Authorization", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Content-Sha256"]

    func fields(for request: AuthorizedContent) throws(AuthorizationFailure) -> [(name: String, value: String)] {
        guard let credentials = self.cache.current else { throw AuthorizationFailure("credentials_missing", message: "there are no AWS credentials") }
        return try self.signer.sign(request, credentials, at: self.environment.now)
    }
}
