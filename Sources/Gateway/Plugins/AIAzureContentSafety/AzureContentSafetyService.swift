public import GatewayCore
import GatewayWire
import NIOCore
public import Telemetry

/// `ai-azure-content-safety`. Behaviour: https://developer.konghq.com/plugins/ai-azure-content-safety/
public typealias AIAzureContentSafety = ContentGuard<AzureContentSafetyService>

/// Azure AI Content Safety's text analysis (https://learn.microsoft.com/rest/api/contentsafety/text-operations/analyze-text).
public final class AzureContentSafetyService: GuardVendor {
    public static let callName: StaticString = "guard azure"
    public static let descriptor = PluginDescriptor(name: "ai-azure-content-safety", priority: 774, auditPath: "ai.proxy.azure-content-safety")
    /// Characters of one request, by the service's limits (https://learn.microsoft.com/azure/ai-services/content-safety/overview#input-requirements).
    static let characterLimit = 10_000

    public let facts: [(GuardField, EvidenceValue)]
    private let settings: AIAzureContentSafetyConfiguration
    private let endpoint: GuardEndpoint
    private let url: String

    public static func common(_ settings: AIAzureContentSafetyConfiguration) -> GuardSettings { settings.common }

    public init(settings: AIAzureContentSafetyConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.settings = settings
        var credentials: CallCredentials?
        if settings.identity.isUsed {
            var azure = AzureCredentialSettings()
            azure.clientID = settings.identity.clientID
            azure.clientSecret = settings.identity.clientSecret
            azure.tenantID = settings.identity.tenantID
            credentials = try CallCredentials(.azure(azure), services: services, path: "config.azure_use_managed_identity")
        }
        self.endpoint = GuardEndpoint(http: services.http, timeoutMilliseconds: 10_000, verifiesPeer: settings.verifiesPeer, credentials: credentials)
        self.url = Self.operation(settings.serviceURL) + "?api-version=\(settings.apiVersion)"
        var facts: [(GuardField, EvidenceValue)] = [
            (.azureServiceURL, .string(settings.serviceURL)), (.azureAPIVersion, .string(settings.apiVersion)),
        ]
        if let tenant = settings.identity.tenantID { facts.append((.azureTenantID, .string(tenant))) }
        if let client = settings.identity.clientID { facts.append((.azureClientID, .string(client))) }
        self.facts = facts
    }

    /// The URL of the operation, also where the configuration names the resource alone.
    static func operation(_ url: String) -> String {
        let scheme = url.firstRange(of: "://")?.upperBound ?? url.startIndex
        var trimmed = url[...]
        while trimmed.hasSuffix("/") { trimmed = trimmed.dropLast() }
        return trimmed[scheme...].contains("/") ? String(trimmed) : "\(trimmed)/contentsafety/text:analyze"
    }

    public func ask(_ query: GuardQuestion, _ permit: inout CallPermit) async throws(PluginFailure) -> GuardAnswer {
        var breaches = Breaches()
        for text in GuardEndpoint.pieces(of: query.joined, characters: Self.characterLimit) {
            let headers = self.settings.identity.isUsed ? [] : self.settings.apiKey.map { [(name: "Ocp-Apim-Subscription-Key", value: $0)] } ?? []
            let document = try await self.endpoint.post(self.url, headers: headers, body: self.body(text), &permit)
            guard document["categoriesAnalysis"] != nil || document["blocklistsMatch"] != nil else { throw GuardEndpoint.unusable("has no analysis") }
            self.note(document, in: &breaches)
        }
        var answer = GuardAnswer(.pass)
        guard !breaches.texts.isEmpty else { return answer }
        let reason = breaches.texts.joined(separator: "; ")
        let subject = query.source == .input ? "request" : "response"
        answer.decision = .block(reason: reason, message: "\(subject) failed content safety check" + (self.settings.revealsReason ? ": \(reason)" : ""))
        answer.facts = breaches.levels
        return answer
    }

    private struct Breaches {
        var texts: [String] = []
        var levels: [(GuardField, EvidenceValue)] = []

        mutating func add(_ text: String) { if !self.texts.contains(text) { self.texts.append(text) } }
    }

    private func note(_ document: JSONDocument, in breaches: inout Breaches) {
        for analysis in document["categoriesAnalysis"]?.elements.map({ $0 }) ?? [] {
            guard let name = analysis["category"]?.string, let severity = analysis["severity"]?.int,
                let category = self.settings.categories.first(where: { $0.name == name }), severity >= category.rejectionLevel
            else { continue }
            breaches.add("breached category [\(name)] at level \(category.rejectionLevel)")
            if let field = Self.field(name) { breaches.levels.append((field, .int(Int64(category.rejectionLevel)))) }
        }
        for match in document["blocklistsMatch"]?.elements.map({ $0 }) ?? [] {
            breaches.add("breached blocklist [\(match["blocklistName"]?.string ?? "unknown_name")]")
        }
    }

    private static func field(_ category: String) -> GuardField? {
        switch category {
        case "Hate": .hate
        case "SelfHarm": .selfHarm
        case "Sexual": .sexual
        case "Violence": .violence
        default: nil
        }
    }

    private func body(_ text: ByteBuffer) -> ByteBuffer {
        var writer = JSONWriter(capacity: 256 + text.readableBytes)
        writer.beginObject()
        writer.key("text")
        writer.string(text)
        if !self.settings.categories.isEmpty {
            writer.key("categories")
            writer.beginArray()
            for category in self.settings.categories { writer.string(category.name) }
            writer.endArray()
        }
        if !self.settings.blocklists.isEmpty {
            writer.key("blocklistNames")
            writer.beginArray()
            for name in self.settings.blocklists { writer.string(name) }
            writer.endArray()
            writer.key("haltOnBlocklistHit")
            writer.bool(self.settings.haltsOnBlocklist)
        }
        writer.key("outputType")
        writer.string(self.settings.outputType.rawValue)
        writer.endObject()
        return writer.buffer
    }
}
