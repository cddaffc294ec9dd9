import GatewayCore

/// Which cloud's credentials a configured model needs: Kong's `auth` fields beyond a header and a parameter.
enum ModelCredentials {
    /// The authorizer of a model; nil where its header or parameter is all there is.
    static func authorizer(_ configuration: AIProxyConfiguration, _ credentials: any CredentialDirectory) throws(ConfigurationError) -> (any UpstreamAuthorizer)? {
        guard let settings = try self.settings(configuration, credentials) else { return nil }
        do throws(AuthorizationFailure) { return try credentials.authorizer(settings) } catch { throw self.problem("config.auth", error.message) }
    }

    private static func settings(
        _ configuration: AIProxyConfiguration, _ credentials: any CredentialDirectory
    ) throws(ConfigurationError) -> CredentialSettings? {
        let auth = configuration.auth
        switch configuration.model.provider {
        case .azure where auth.azureUsesManagedIdentity:
            var settings = AzureCredentialSettings()
            settings.clientID = auth.azureClientID
            settings.clientSecret = auth.azureClientSecret
            settings.tenantID = auth.azureTenantID
            return .azure(settings)
        case .gemini where auth.gcpUsesServiceAccount:
            var settings = GCPCredentialSettings()
            settings.serviceAccountJSON = auth.gcpServiceAccountJSON
            settings.metadataURL = auth.gcpMetadataURL
            settings.tokenURL = auth.gcpOAuthTokenURL
            return .gcp(settings)
        // A header in the configuration is a Bedrock API key, which takes the place of a signature.
        case .bedrock where auth.headerName == nil:
            let options = configuration.model.options.bedrock
            guard let region = options.region ?? credentials.defaultAWSRegion else {
                throw self.problem("config.model.options.bedrock.aws_region", "is required where neither AWS_REGION nor a profile of the AWS SDKs names a region")
            }
            var settings = AWSCredentialSettings(service: "bedrock", region: region)
            settings.accessKeyID = auth.awsAccessKeyID
            settings.secretAccessKey = auth.awsSecretAccessKey
            settings.assumedRoleARN = options.assumedRoleARN
            settings.roleSessionName = options.roleSessionName
            settings.stsEndpointURL = options.stsEndpointURL
            return .aws(settings)
        default: return nil
        }
    }

    private static func problem(_ path: String, _ problem: String) -> ConfigurationError {
        ConfigurationError(issues: [ConfigurationIssue(path: path, line: 0, problem: problem)])
    }
}
