import GatewayCore

/// Which cloud's credentials a configured model needs: Kong's `auth` fields beyond a header and a parameter.
enum ModelCredentials {
    /// The authorizer of a model; nil where its header or parameter is all there is.
    static func authorizer(_ configuration: AIProxyConfiguration, _ credentials: any CredentialDirectory) throws(ConfigurationError) -> (any UpstreamAuthorizer)? {
        let bedrock = configuration.model.options.bedrock
        guard let settings = try self.settings(configuration.model.provider, configuration.auth, bedrock, credentials, path: "config") else { return nil }
        do throws(AuthorizationFailure) { return try credentials.authorizer(settings) } catch { throw self.problem("config.auth", error.message) }
    }

    /// - Parameter path: of the section that has `auth` and `model`, for problems.
    static func settings(
        _ provider: AIProxyConfiguration.Provider, _ auth: AIProxyConfiguration.Auth, _ bedrock: AIProxyConfiguration.Bedrock, _ credentials: any CredentialDirectory,
        path: String
    ) throws(ConfigurationError) -> CredentialSettings? {
        switch provider {
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
            guard let region = bedrock.region ?? credentials.defaultAWSRegion else {
                throw self.problem("\(path).model.options.bedrock.aws_region", "is required where neither AWS_REGION nor a profile of the AWS SDKs names a region")
            }
            var settings = AWSCredentialSettings(service: "bedrock", region: region)
            settings.accessKeyID = auth.awsAccessKeyID
            settings.secretAccessKey = auth.awsSecretAccessKey
            settings.assumedRoleARN = bedrock.assumedRoleARN
            settings.roleSessionName = bedrock.roleSessionName
            settings.stsEndpointURL = bedrock.stsEndpointURL
            return .aws(settings)
        default: return nil
        }
    }

    private static func problem(_ path: String, _ problem: String) -> ConfigurationError {
        ConfigurationError(issues: [ConfigurationIssue(path: path, line: 0, problem: problem)])
    }
}
