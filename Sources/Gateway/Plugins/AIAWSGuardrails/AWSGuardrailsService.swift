public import GatewayCore
import GatewayWire
import NIOCore
public import Telemetry

/// `ai-aws-guardrails`. Behaviour: https://developer.konghq.com/plugins/ai-aws-guardrails/
public typealias AIAWSGuardrails = ContentGuard<AWSGuardrailsService>

/// Amazon Bedrock's guardrails, applied to texts of any model (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ApplyGuardrail.html).
public final class AWSGuardrailsService: GuardVendor {
    public static let callName: StaticString = "guard aws"
    public static let descriptor = PluginDescriptor(name: "ai-aws-guardrails", priority: 781, auditPath: "ai.proxy.aws-guardrails", changesText: true)

    public let facts: [(GuardField, EvidenceValue)]
    private let settings: AIAWSGuardrailsConfiguration
    private let endpoint: GuardEndpoint
    private let url: String

    public static func common(_ settings: AIAWSGuardrailsConfiguration) -> GuardSettings { settings.common }

    public init(settings: AIAWSGuardrailsConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.settings = settings
        self.facts = [
            (.awsRegion, .string(settings.region)), (.guardrailsID, .string(settings.guardrailsID)), (.guardrailsVersion, .string(settings.guardrailsVersion)),
        ]
        var aws = AWSCredentialSettings(service: "bedrock", region: settings.region)
        aws.accessKeyID = settings.accessKeyID
        aws.secretAccessKey = settings.secretAccessKey
        aws.assumedRoleARN = settings.assumedRoleARN
        aws.roleSessionName = settings.roleSessionName
        aws.stsEndpointURL = settings.stsEndpointURL
        let credentials = try CallCredentials(.aws(aws), services: services, path: "config.aws_access_key_id")
        self.endpoint = GuardEndpoint(http: services.http, timeoutMilliseconds: settings.timeoutMilliseconds, verifiesPeer: settings.verifiesPeer, credentials: credentials)
        let id = PercentEncoding.encoded(settings.guardrailsID)
        // An endpoint of one's own network (https://docs.aws.amazon.com/bedrock/latest/userguide/vpc-interface-endpoints.html), where there is one.
        let origin = try services.ownAddress("endpoint_url") ?? "https://bedrock-runtime.\(settings.region).amazonaws.com"
        self.url = "\(origin)/guardrail/\(id)/version/\(settings.guardrailsVersion)/apply"
    }

    public func ask(_ query: GuardQuestion, _ permit: inout CallPermit) async throws(PluginFailure) -> GuardAnswer {
        guard self.settings.common.allowsMasking else { return try await self.judge(query.texts.map(\.content), query.source, &permit).answer }
        // Text by text, so that each masked text is known to be which one's.
        var masked: [ByteBuffer] = []
        var reasons: [String] = []
        for text in query.texts {
            guard text.content.readableBytes > 0 else {
                masked.append(text.content)
                continue
            }
            let judged = try await self.judge([text.content], query.source, &permit)
            switch judged.answer.decision {
            case .block: return judged.answer
            case .pass: masked.append(text.content)
            case .mask(let texts, let reason):
                masked += texts
                if !reasons.contains(reason) { reasons.append(reason) }
            }
        }
        return reasons.isEmpty ? GuardAnswer(.pass) : GuardAnswer(.mask(masked, reason: reasons.joined(separator: ",")))
    }

    private func judge(_ texts: [ByteBuffer], _ source: GuardSource, _ permit: inout CallPermit) async throws(PluginFailure) -> (answer: GuardAnswer, document: JSONDocument) {
        let document = try await self.endpoint.post(self.url, headers: [], body: Self.body(texts, source), &permit)
        guard let action = document["action"]?.string else { throw GuardEndpoint.unusable("names no action") }
        guard action == "GUARDRAIL_INTERVENED" else { return (GuardAnswer(.pass), document) }
        var findings = Findings()
        for assessment in document["assessments"]?.elements.map({ $0 }) ?? [] { findings.collect(assessment) }
        let reason = findings.reasons.isEmpty ? "intervened" : findings.reasons.joined(separator: ",")
        let outputs = document["outputs"]?.elements.compactMap { $0["text"]?.text } ?? []
        if !findings.isBlocked, findings.isAnonymized, self.settings.common.allowsMasking, outputs.count == texts.count {
            return (GuardAnswer(.mask(outputs, reason: reason)), document)
        }
        // What was only masked has the text itself as output; the guardrail's own message stands there when it blocked.
        let filtered = source == .input ? "Request was filtered by AWS Guardrails" : "Response was filtered by AWS Guardrails"
        let message = findings.isAnonymized && !findings.isBlocked ? filtered : outputs.first.map { String(buffer: $0) } ?? filtered
        return (GuardAnswer(.block(reason: reason, message: message)), document)
    }

    /// What assessments say: which policies struck and whether that blocks or masks. Matched texts are left alone.
    private struct Findings {
        var reasons: [String] = []
        var isBlocked = false
        var isAnonymized = false

        mutating func collect(_ assessment: JSONView) {
            for (policy, content) in assessment.members where content.kind == .object {
                let prefix = Self.prefix(policy)
                for (_, list) in content.members where list.kind == .array {
                    for finding in list.elements { self.add(finding, prefix) }
                }
            }
        }

        private mutating func add(_ finding: JSONView, _ prefix: String) {
            guard let action = finding["action"]?.string, action != "NONE" else { return }
            if action == "ANONYMIZED" { self.isAnonymized = true } else { self.isBlocked = true }
            let name = finding["name"]?.string ?? finding["type"]?.string
            let reason = name.map { "\(prefix):\($0)" } ?? prefix
            if !self.reasons.contains(reason) { self.reasons.append(reason) }
        }

        private static func prefix(_ policy: JSONView) -> String {
            switch policy.string {
            case "topicPolicy": "topic"
            case "contentPolicy": "content"
            case "wordPolicy": "word"
            case "sensitiveInformationPolicy": "pii"
            case "contextualGroundingPolicy": "grounding"
            case "automatedReasoningPolicy": "reasoning"
            default: "policy"
            }
        }
    }

    private static func body(_ texts: [ByteBuffer], _ source: GuardSource) -> ByteBuffer {
        var writer = JSONWriter(capacity: 512)
        writer.beginObject()
        writer.key("source")
        writer.string(source.name)
        writer.key("content")
        writer.beginArray()
        for text in texts where text.readableBytes > 0 {
            writer.beginObject()
            writer.key("text")
            writer.beginObject()
            writer.key("text")
            writer.string(text)
            writer.endObject()
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return writer.buffer
    }
}
