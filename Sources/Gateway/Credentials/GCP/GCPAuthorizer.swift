import GatewayCore

/// `Authorization: Bearer` with an access token of Google Cloud: a service account's, or of whatever the process runs as by the metadata server.
final class GCPAuthorizer: UpstreamAuthorizer {
    static let callName: StaticString = "credentials gcp"

    private let cache: TokenCache<String>

    private static let scope = "https://www.googleapis.com/auth/cloud-platform"

    /// - Throws: what is wrong with a key that is configured; one in a file is read when it is needed.
    init(_ settings: GCPCredentialSettings, _ environment: CredentialEnvironment) throws(AuthorizationFailure) {
        let configured = settings.serviceAccountJSON ?? environment.variable("GCP_SERVICE_ACCOUNT")
        if let configured {
            let account = try ServiceAccount(json: configured, tokenURL: settings.tokenURL)
            self.cache = TokenCache(now: { environment.now }) { (permit: inout CallPermit) async throws(AuthorizationFailure) in
                try await GCPAuthorizer.token(of: account, environment, &permit)
            }
            return
        }
        self.cache = TokenCache(now: { environment.now }) { (permit: inout CallPermit) async throws(AuthorizationFailure) in
            if let file = environment.variable("GOOGLE_APPLICATION_CREDENTIALS") {
                guard let json = environment.file(file) else {
                    throw AuthorizationFailure("credentials_file_unreadable", message: "the file that GOOGLE_APPLICATION_CREDENTIALS names cannot be read")
                }
                return try await GCPAuthorizer.token(of: try ServiceAccount(json: json, tokenURL: settings.tokenURL), environment, &permit)
            }
            return try await GCPAuthorizer.metadataToken(settings, environment, &permit)
        }
    }

    func needsRenewal() -> Bool { self.cache.needsRenewal() }
    func renew(_ permit: inout CallPermit) async throws(AuthorizationFailure) -> StaticString { try await self.cache.renew(&permit) }
    func refused() { self.cache.refused() }

    var replacedNames: [String] { BearerFields.replaced }
    func fields(for request: AuthorizedContent) throws(AuthorizationFailure) -> [(name: String, value: String)] { try BearerFields.make(self.cache.current) }

    private static func token(
        of account: ServiceAccount, _ environment: CredentialEnvironment, _ permit: inout CallPermit
    ) async throws(AuthorizationFailure) -> TokenCache<String>.Entry {
        let assertion = try account.assertion(scope: self.scope, now: environment.now)
        let endpoint = "Google's token endpoint"
        let answer = try await environment.post(
            account.tokenURL, [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", assertion)], endpoint, &permit)
        let (token, expiry) = try answer.oauth(from: endpoint, now: environment.now)
        return TokenCache.Entry(value: token, expiry: expiry, source: "service_account")
    }

    /// https://cloud.google.com/compute/docs/access/authenticate-workloads#applications
    private static func metadataToken(
        _ settings: GCPCredentialSettings, _ environment: CredentialEnvironment, _ permit: inout CallPermit
    ) async throws(AuthorizationFailure) -> TokenCache<String>.Entry {
        let host = environment.variable("GCE_METADATA_HOST").map { "http://\($0)" } ?? "http://metadata.google.internal"
        var url = settings.metadataURL ?? host
        if !url.contains("://") { url = "http://\(url)" }
        // A URL without a path is the server's; one with a path is the token's own.
        let path = url.split(separator: "/", omittingEmptySubsequences: true).dropFirst(2)
        if path.isEmpty { url = (url.hasSuffix("/") ? String(url.dropLast()) : url) + "/computeMetadata/v1/instance/service-accounts/default/token" }
        let endpoint = "the GCP metadata server"
        let call = HTTPCall(method: "GET", url: url, headers: [("Metadata-Flavor", "Google")], connectTimeoutMilliseconds: 2000, totalTimeoutMilliseconds: 5000)
        let (token, expiry) = try await environment.fetch(call, endpoint, &permit).oauth(from: endpoint, now: environment.now)
        return TokenCache.Entry(value: token, expiry: expiry, source: "metadata_server")
    }
}
