public import GatewayCore
import GatewayWire
import NIOCore
public import Telemetry

/// `ai-gcp-model-armor`. Behaviour: https://developer.konghq.com/plugins/ai-gcp-model-armor/
public typealias AIGCPModelArmor = ContentGuard<GCPModelArmorService>

/// Google Cloud's Model Armor: one template judges prompts and answers
/// (https://cloud.google.com/security-command-center/docs/reference/model-armor/rest/v1/projects.locations.templates/sanitizeUserPrompt).
public final class GCPModelArmorService: GuardVendor {
    public static let callName: StaticString = "guard gcp"
    public static let descriptor = PluginDescriptor(name: "ai-gcp-model-armor", priority: 783, auditPath: "ai.proxy.gcp-model-armor", changesText: true)

    public let facts: [(GuardField, EvidenceValue)]
    private let settings: AIGCPModelArmorConfiguration
    private let endpoint: GuardEndpoint
    private let template: String

    public static func common(_ settings: AIGCPModelArmorConfiguration) -> GuardSettings { settings.common }

    public init(settings: AIGCPModelArmorConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.settings = settings
        self.facts = [(.templateID, .string(settings.templateID))]
        var credentials: CallCredentials?
        if settings.usesServiceAccount {
            var gcp = GCPCredentialSettings()
            gcp.serviceAccountJSON = settings.serviceAccountJSON
            gcp.metadataURL = settings.metadataURL
            gcp.tokenURL = settings.tokenURL
            credentials = try CallCredentials(.gcp(gcp), services: services, path: "config.gcp_service_account_json")
        }
        self.endpoint = GuardEndpoint(http: services.http, timeoutMilliseconds: settings.timeoutMilliseconds, verifiesPeer: true, credentials: credentials)
        let (project, location) = (settings.projectID, settings.locationID)
        let origin = try services.ownAddress("endpoint_url") ?? "https://modelarmor.\(location).rep.googleapis.com"
        self.template = "\(origin)/v1/projects/\(project)/locations/\(location)/templates/\(settings.templateID)"
    }

    public func ask(_ query: GuardQuestion, _ permit: inout CallPermit) async throws(PluginFailure) -> GuardAnswer {
        let operation = query.source == .input ? "sanitizeUserPrompt" : "sanitizeModelResponse"
        let document = try await self.endpoint.post("\(self.template):\(operation)", headers: [], body: self.body(query), &permit)
        guard let result = document["sanitizationResult"], let state = result["filterMatchState"]?.string else { throw GuardEndpoint.unusable("has no result") }
        if result["invocationResult"]?.equals("FAILURE") == true { throw GuardEndpoint.unusable("says that no filter ran") }
        var reasons: [String] = []
        for (name, filter) in result["filterResults"]?.members.map({ $0 }) ?? [] { Self.collect(filter, name.string ?? "unrecognized", &reasons) }
        // The service's own word counts, also for filters that are not known here.
        guard state == "MATCH_FOUND" || !reasons.isEmpty else { return GuardAnswer(.pass) }
        let reason = reasons.isEmpty ? "unrecognized" : reasons.joined(separator: ",")
        var message = query.source == .input ? self.settings.requestFailureMessage : self.settings.responseFailureMessage
        if self.settings.revealsCategories { message += ": \(reason)" }
        return GuardAnswer(.block(reason: reason, message: message))
    }

    /// Names of what matched: of a filter with types of its own these, else the filter's. Findings' texts are left alone.
    private static func collect(_ filter: JSONView, _ name: String, _ reasons: inout [String]) {
        for (key, value) in filter.members {
            guard value.kind == .object else { continue }
            if key.equals("raiFilterTypeResults") {
                for (type, result) in value.members where result["matchState"]?.equals("MATCH_FOUND") == true { self.add(type.string ?? name, &reasons) }
            } else if let state = value["matchState"], state.equals("MATCH_FOUND") {
                if value["raiFilterTypeResults"] == nil, value["findings"] == nil { self.add(name, &reasons) }
                for finding in value["findings"]?.elements.map({ $0 }) ?? [] { self.add(finding["infoType"]?.string.map { "sdp:\($0)" } ?? name, &reasons) }
                self.collect(value, name, &reasons)
            } else {
                self.collect(value, name, &reasons)
            }
        }
    }

    private static func add(_ reason: String, _ reasons: inout [String]) { if !reasons.contains(reason) { reasons.append(reason) } }

    private func body(_ query: GuardQuestion) -> ByteBuffer {
        var writer = JSONWriter(capacity: 256 + query.byteCount)
        writer.beginObject()
        writer.key(query.source == .input ? "userPromptData" as StaticString : "modelResponseData")
        writer.beginObject()
        writer.key("text")
        writer.string(query.joined)
        writer.endObject()
        if self.settings.detectsLanguages {
            writer.key("multiLanguageDetectionMetadata")
            writer.beginObject()
            if let language = self.settings.sourceLanguage {
                writer.key("sourceLanguage")
                writer.string(language)
            }
            writer.key("enableMultiLanguageDetection")
            writer.bool(true)
            writer.endObject()
        }
        writer.endObject()
        return writer.buffer
    }
}
