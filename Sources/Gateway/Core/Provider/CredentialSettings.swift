/// How the gateway authenticates itself to a cloud. Equal settings share one authorizer and its credentials.
public enum CredentialSettings: Sendable, Hashable {
    case aws(AWSCredentialSettings)
    case gcp(GCPCredentialSettings)
    case azure(AzureCredentialSettings)
}

/// Kong's `aws_*` fields, and what is signed for.
public struct AWSCredentialSettings: Sendable, Hashable {
    /// Name of the service in signatures: `bedrock`, `sts`, …
    public var service: String
    public var region: String
    /// Static keys; without them the chain of the AWS SDKs is asked (environment, web identity, profile files, container, instance).
    public var accessKeyID: String?
    public var secretAccessKey: String?
    public var sessionToken: String?
    /// A role to assume with those credentials.
    public var assumedRoleARN: String?
    public var roleSessionName: String?
    /// Default: the region's endpoint.
    public var stsEndpointURL: String?

    public init(service: String, region: String) {
        self.service = service
        self.region = region
    }
}

/// Kong's `gcp_*` fields.
public struct GCPCredentialSettings: Sendable, Hashable {
    /// The key file's JSON; without it `GCP_SERVICE_ACCOUNT`, `GOOGLE_APPLICATION_CREDENTIALS` and the metadata server are tried.
    public var serviceAccountJSON: String?
    public var metadataURL: String?
    public var tokenURL: String?

    public init() {}
}

/// Kong's `azure_*` fields.
public struct AzureCredentialSettings: Sendable, Hashable {
    public var clientID: String?
    public var clientSecret: String?
    public var tenantID: String?
    /// The API the token is for.
    public var resource = "https://cognitiveservices.azure.com"

    public init() {}
}

/// Gives authorizers; they outlive configuration snapshots, so that a reload keeps tokens. App implements it.
public protocol CredentialDirectory: Sendable {
    /// The authorizer with these settings, made when new.
    ///
    /// - Throws: what is wrong with the settings, as far as that shows without asking anybody.
    func authorizer(_ settings: CredentialSettings) throws(AuthorizationFailure) -> any UpstreamAuthorizer
    /// The region to use where the configuration names none (`AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's); nil: unknown.
    var defaultAWSRegion: String? { get }
}

/// Where nothing is sent there are no credentials.
public struct NoCredentials: CredentialDirectory {
    public init() {}

    public func authorizer(_ settings: CredentialSettings) throws(AuthorizationFailure) -> any UpstreamAuthorizer {
        throw AuthorizationFailure("credentials_missing", message: "cloud credentials are not available here")
    }

    public var defaultAWSRegion: String? { nil }
}
