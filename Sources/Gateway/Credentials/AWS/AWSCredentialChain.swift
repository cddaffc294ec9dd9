import GatewayCore

/// Where AWS credentials come from: static keys of the configuration, else the places the AWS SDKs look at, in their order; then a role to assume with them.
///
/// Order: environment, web identity (EKS), profile files, container (ECS, EKS pod identity), instance metadata (IMDSv2).
/// https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html. The first place that is set up is the one that counts: a place that is set up and
/// fails is a failure, so that nobody gets another identity than the one meant; only instance metadata is tried without being set up.
struct AWSCredentialChain: Sendable {
    private let settings: AWSCredentialSettings
    private let environment: CredentialEnvironment
    private let sts: SecurityTokenService

    init(_ settings: AWSCredentialSettings, _ environment: CredentialEnvironment) throws(AuthorizationFailure) {
        if (settings.accessKeyID == nil) != (settings.secretAccessKey == nil) {
            throw AuthorizationFailure("credentials_incomplete", message: "aws_access_key_id and aws_secret_access_key belong together")
        }
        self.settings = settings
        self.environment = environment
        self.sts = SecurityTokenService(environment: environment, region: settings.region, endpointURL: settings.stsEndpointURL)
    }

    func credentials(_ permit: inout CallPermit) async throws(AuthorizationFailure) -> (AWSCredentials, StaticString) {
        let base = try await self.base(&permit)
        guard let role = self.settings.assumedRoleARN else { return base }
        let session = self.settings.roleSessionName ?? self.environment.variable("AWS_ROLE_SESSION_NAME") ?? "pellucid"
        return (try await self.sts.assume(role, session: session, with: base.0, &permit), "assume_role")
    }

    private func base(_ permit: inout CallPermit) async throws(AuthorizationFailure) -> (AWSCredentials, StaticString) {
        if let id = self.settings.accessKeyID, let secret = self.settings.secretAccessKey {
            return (AWSCredentials(accessKeyID: id, secretAccessKey: secret, sessionToken: self.settings.sessionToken), "static")
        }
        if let credentials = self.fromEnvironment() { return (credentials, "environment") }
        if let role = self.environment.variable("AWS_ROLE_ARN"), let file = self.environment.variable("AWS_WEB_IDENTITY_TOKEN_FILE") {
            return (try await self.webIdentity(role, file, session: self.environment.variable("AWS_ROLE_SESSION_NAME"), &permit), "web_identity")
        }
        let profiles = AWSProfiles(self.environment)
        if let credentials = try await self.fromProfile(profiles.name, profiles, isAskedFor: profiles.isNamed, depth: 0, &permit) { return (credentials, "profile") }
        if let container = try ContainerCredentials(self.environment) { return (try await container.credentials(&permit), "container") }
        return (try await InstanceMetadata(self.environment).credentials(&permit), "instance_metadata")
    }

    private func fromEnvironment() -> AWSCredentials? {
        guard let id = self.environment.variable("AWS_ACCESS_KEY_ID"), let secret = self.environment.variable("AWS_SECRET_ACCESS_KEY") else { return nil }
        return AWSCredentials(accessKeyID: id, secretAccessKey: secret, sessionToken: self.environment.variable("AWS_SESSION_TOKEN"))
    }

    private func webIdentity(_ role: String, _ file: String, session: String?, _ permit: inout CallPermit) async throws(AuthorizationFailure) -> AWSCredentials {
        guard let token = self.environment.file(file)?.trimmed, !token.isEmpty else {
            throw AuthorizationFailure("credentials_file_unreadable", message: "the web identity token file cannot be read")
        }
        return try await self.sts.assume(role, session: session ?? "pellucid", webIdentity: token, &permit)
    }

    /// Credentials of a profile; nil when it says nothing about any.
    private func fromProfile(
        _ name: String, _ profiles: AWSProfiles, isAskedFor: Bool, depth: Int, _ permit: inout CallPermit
    ) async throws(AuthorizationFailure) -> AWSCredentials? {
        guard let profile = profiles[name] else {
            if isAskedFor { throw AuthorizationFailure("credentials_profile_missing", message: "there is no AWS profile with the given name") }
            return nil
        }
        if let role = profile["role_arn"] {
            guard depth < 5 else { throw AuthorizationFailure("credentials_profile_loop", message: "source profiles refer to each other") }
            if let file = profile["web_identity_token_file"] { return try await self.webIdentity(role, file, session: profile["role_session_name"], &permit) }
            let source = try await self.source(of: profile, name, profiles, depth: depth, &permit)
            return try await self.sts.assume(role, session: profile["role_session_name"] ?? "pellucid", externalID: profile["external_id"], with: source, &permit)
        }
        if let id = profile["aws_access_key_id"], let secret = profile["aws_secret_access_key"] {
            return AWSCredentials(accessKeyID: id, secretAccessKey: secret, sessionToken: profile["aws_session_token"])
        }
        for unsupported in ["credential_process", "sso_session", "sso_start_url"] where profile[unsupported] != nil {
            throw AuthorizationFailure("credentials_profile_unsupported", message: "the AWS profile uses \(unsupported), which is not supported")
        }
        if isAskedFor { throw AuthorizationFailure("credentials_profile_empty", message: "the AWS profile with the given name holds no credentials") }
        return nil
    }

    /// What a profile with a role assumes it with.
    private func source(
        of profile: [String: String], _ name: String, _ profiles: AWSProfiles, depth: Int, _ permit: inout CallPermit
    ) async throws(AuthorizationFailure) -> AWSCredentials {
        if let source = profile["source_profile"] {
            // A profile may name itself: then its own keys are meant.
            if source == name, let id = profile["aws_access_key_id"], let secret = profile["aws_secret_access_key"] {
                return AWSCredentials(accessKeyID: id, secretAccessKey: secret, sessionToken: profile["aws_session_token"])
            }
            if let credentials = try await self.fromProfile(source, profiles, isAskedFor: true, depth: depth + 1, &permit) { return credentials }
        }
        switch profile["credential_source"]?.lowercased() {
        case "environment": if let credentials = self.fromEnvironment() { return credentials }
        case "ec2instancemetadata": return try await InstanceMetadata(self.environment).credentials(&permit)
        case "ecscontainer": if let container = try ContainerCredentials(self.environment) { return try await container.credentials(&permit) }
        default: break
        }
        throw AuthorizationFailure("credentials_profile_incomplete", message: "the AWS profile names a role but no usable source_profile or credential_source")
    }
}

extension String {
    /// Without blanks and line ends around it.
    var trimmed: String {
        var text = Substring(self)
        while let first = text.first, first.isWhitespace { text = text.dropFirst() }
        while let last = text.last, last.isWhitespace { text = text.dropLast() }
        return String(text)
    }
}
