public import GatewayCore

/// Configuration of `ai-aws-guardrails`. Names, types, limits and defaults: Kong 3.15.
public struct AIAWSGuardrailsConfiguration: GatewayConfiguration, Hashable {
    public let common: GuardSettings
    public let region: String
    /// Id or ARN of the guardrail.
    public let guardrailsID: String
    /// A number, or DRAFT.
    public let guardrailsVersion: String
    /// Static keys; without them the chain of the AWS SDKs is asked.
    public let accessKeyID: String?
    public let secretAccessKey: String?
    public let assumedRoleARN: String?
    public let roleSessionName: String?
    public let stsEndpointURL: String?
    public let timeoutMilliseconds: Int
    public let verifiesPeer: Bool

    public init(from node: inout ConfigurationNode) {
        self.common = GuardSettings(from: &node, textSource: .everything, canMask: true)
        self.region = node.requiredString("aws_region", .pathSegment)
        self.guardrailsID = node.requiredString("guardrails_id")
        self.guardrailsVersion = node.requiredString("guardrails_version")
        self.accessKeyID = node.optionalString("aws_access_key_id", referenceable: true)
        self.secretAccessKey = node.optionalString("aws_secret_access_key", referenceable: true)
        self.assumedRoleARN = node.optionalString("aws_assume_role_arn")
        self.roleSessionName = node.optionalString("aws_role_session_name")
        self.stsEndpointURL = node.optionalString("aws_sts_endpoint_url")
        self.timeoutMilliseconds = node.guardTimeout()
        self.verifiesPeer = node.bool("ssl_verify", default: true)
        if node.isPresent("guardrails_version"), !Self.isVersion(self.guardrailsVersion) {
            node.report("must be a number without leading zeros, or DRAFT", at: "guardrails_version")
        }
    }

    /// `(([1-9][0-9]{0,7})|(DRAFT))`, by AWS' reference.
    private static func isVersion(_ text: String) -> Bool {
        text == "DRAFT" || ((1...8).contains(text.utf8.count) && text.utf8.first != 0x30 && text.utf8.allSatisfy { (0x30...0x39).contains($0) })
    }
}
