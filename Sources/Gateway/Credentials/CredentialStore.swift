public import GatewayCore
import Synchronization

/// The authorizers of the process: equal settings share one, so that a reload keeps tokens and routes do not fetch the same ones.
public final class CredentialStore: CredentialDirectory {
    private let environment: CredentialEnvironment
    private let authorizers = Mutex<[CredentialSettings: any UpstreamAuthorizer]>([:])

    public init(_ environment: CredentialEnvironment) { self.environment = environment }

    public func authorizer(_ settings: CredentialSettings) throws(AuthorizationFailure) -> any UpstreamAuthorizer {
        if let known = self.authorizers.withLock({ $0[settings] }) { return known }
        let made = try self.make(settings)
        return self.authorizers.withLock { authorizers in
            if let known = authorizers[settings] { return known }
            authorizers[settings] = made
            return made
        }
    }

    public var defaultAWSRegion: String? {
        self.environment.variable("AWS_REGION") ?? self.environment.variable("AWS_DEFAULT_REGION") ?? AWSProfiles(self.environment).region
    }

    private func make(_ settings: CredentialSettings) throws(AuthorizationFailure) -> any UpstreamAuthorizer {
        switch settings {
        case .aws(let settings): try AWSAuthorizer(settings, self.environment)
        case .gcp(let settings): try GCPAuthorizer(settings, self.environment)
        case .azure(let settings): try AzureAuthorizer(settings, self.environment)
        }
    }
}
