import GatewayCore
import GatewayWire

/// `Authorization: Bearer` with a token of Microsoft Entra ID: an application's (client secret or federated token), or the managed identity of what runs the process.
///
/// The settings win over the environment's `AZURE_CLIENT_ID`, `AZURE_TENANT_ID`, `AZURE_CLIENT_SECRET`, `AZURE_FEDERATED_TOKEN_FILE`
/// (https://learn.microsoft.com/dotnet/api/azure.identity.environmentcredential).
final class AzureAuthorizer: UpstreamAuthorizer {
    static let callName: StaticString = "credentials azure"

    private let cache: TokenCache<String>

    init(_ settings: AzureCredentialSettings, _ environment: CredentialEnvironment) throws(AuthorizationFailure) {
        let identity = try AzureIdentity(settings, environment)
        self.cache = TokenCache(now: { environment.now }) { (permit: inout CallPermit) async throws(AuthorizationFailure) in
            let (token, expiry) = try await identity.token(&permit)
            return TokenCache.Entry(value: token, expiry: expiry, source: identity.source)
        }
    }

    func needsRenewal() -> Bool { self.cache.needsRenewal() }
    func renew(_ permit: inout CallPermit) async throws(AuthorizationFailure) -> StaticString { try await self.cache.renew(&permit) }
    func refused() { self.cache.refused() }

    var replacedNames: [String] { BearerFields.replaced }
    func fields(for request: AuthorizedContent) throws(AuthorizationFailure) -> [(name: String, value: String)] { try BearerFields.make(self.cache.current) }
}

/// Who asks Entra ID for a token, and how.
struct AzureIdentity: Sendable {
    private enum Kind: Sendable {
        /// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
        case secret(tenant: String, client: String, secret: String)
        /// The same with a token of another issuer (AKS workload identity).
        case federated(tenant: String, client: String, file: String)
        /// https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
        case appService(url: String, header: String, client: String?)
        /// https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
        case virtualMachine(client: String?)
    }

    private let kind: Kind
    private let resource: String
    private let environment: CredentialEnvironment

    init(_ settings: AzureCredentialSettings, _ environment: CredentialEnvironment) throws(AuthorizationFailure) {
        self.resource = settings.resource
        self.environment = environment
        let tenant = settings.tenantID ?? environment.variable("AZURE_TENANT_ID")
        let client = settings.clientID ?? environment.variable("AZURE_CLIENT_ID")
        if let secret = settings.clientSecret ?? (settings.clientID == nil ? environment.variable("AZURE_CLIENT_SECRET") : nil) {
            guard let tenant, let client else {
                throw AuthorizationFailure("credentials_incomplete", message: "azure_client_secret needs azure_client_id and azure_tenant_id")
            }
            self.kind = .secret(tenant: tenant, client: client, secret: secret)
        } else if let file = environment.variable("AZURE_FEDERATED_TOKEN_FILE"), let tenant, let client {
            self.kind = .federated(tenant: tenant, client: client, file: file)
        } else if let url = environment.variable("IDENTITY_ENDPOINT"), let header = environment.variable("IDENTITY_HEADER") {
            self.kind = .appService(url: url, header: header, client: client)
        } else {
            self.kind = .virtualMachine(client: client)
        }
    }

    /// For the evidence.
    var source: StaticString {
        switch self.kind {
        case .secret: "client_secret"
        case .federated: "workload_identity"
        case .appService, .virtualMachine: "managed_identity"
        }
    }

    func token(_ permit: inout CallPermit) async throws(AuthorizationFailure) -> (token: String, expiry: Int) {
        switch self.kind {
        case .secret(let tenant, let client, let secret):
            return try await self.entra(tenant, [("client_id", client), ("client_secret", secret)], &permit)
        case .federated(let tenant, let client, let file):
            guard let assertion = self.environment.file(file)?.trimmed, !assertion.isEmpty else {
                throw AuthorizationFailure("credentials_file_unreadable", message: "the file that AZURE_FEDERATED_TOKEN_FILE names cannot be read")
            }
            return try await self.entra(
                tenant,
                [
                    ("client_id", client), ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"), ("client_assertion", assertion),
                ], &permit)
        case .appService(let url, let header, let client):
            return try await self.identity(url, version: "2019-08-01", header: (name: "X-IDENTITY-HEADER", value: header), client, &permit)
        case .virtualMachine(let client):
            let base = self.environment.variable("AZURE_POD_IDENTITY_AUTHORITY_HOST") ?? "http://169.254.169.254"
            let url = (base.hasSuffix("/") ? String(base.dropLast()) : base) + "/metadata/identity/oauth2/token"
            return try await self.identity(url, version: "2018-02-01", header: (name: "Metadata", value: "true"), client, &permit)
        }
    }

    private func entra(
        _ tenant: String, _ fields: [(name: String, value: String)], _ permit: inout CallPermit
    ) async throws(AuthorizationFailure) -> (token: String, expiry: Int) {
        var authority = self.environment.variable("AZURE_AUTHORITY_HOST") ?? "https://login.microsoftonline.com"
        if !authority.contains("://") { authority = "https://\(authority)" }
        if authority.hasSuffix("/") { authority.removeLast() }
        let endpoint = "Entra ID"
        let answer = try await self.environment.post(
            "\(authority)/\(PercentEncoding.encoded(tenant))/oauth2/v2.0/token",
            [("grant_type", "client_credentials"), ("scope", "\(self.resource)/.default")] + fields, endpoint, &permit)
        return try answer.oauth(from: endpoint, now: self.environment.now)
    }

    private func identity(
        _ url: String, version: String, header: (name: String, value: String), _ client: String?, _ permit: inout CallPermit
    ) async throws(AuthorizationFailure) -> (token: String, expiry: Int) {
        var fields = [("api-version", version), ("resource", self.resource)]
        if let client { fields.append(("client_id", client)) }
        let call = HTTPCall(
            method: "GET", url: "\(url)?\(FormBody.text(fields))", headers: [header], connectTimeoutMilliseconds: 2000, totalTimeoutMilliseconds: 10_000)
        let endpoint = "the managed identity endpoint"
        let answer = try await self.environment.fetch(call, endpoint, &permit)
        let (token, expiry) = try answer.oauth(from: endpoint, now: self.environment.now)
        // App Service gives the time of the end rather than what is left.
        return (token, answer.end(now: self.environment.now) ?? expiry)
    }
}
