public import GatewayCore
import GatewayWire
import NIOCore
public import Telemetry

/// `ai-lakera-guard`. Behaviour: https://developer.konghq.com/plugins/ai-lakera-guard/
public typealias AILakeraGuard = ContentGuard<LakeraGuardService>

/// Lakera Guard's v2 API: one call judges a conversation (https://docs.lakera.ai/docs/api/guard).
public final class LakeraGuardService: GuardVendor {
    public static let callName: StaticString = "guard lakera"
    public static let descriptor = PluginDescriptor(name: "ai-lakera-guard", priority: 784, auditPath: "ai.proxy.lakera-guard", changesText: true)

    public let facts: [(GuardField, EvidenceValue)]
    private let settings: AILakeraGuardConfiguration
    private let endpoint: GuardEndpoint

    public static func common(_ settings: AILakeraGuardConfiguration) -> GuardSettings { settings.common }

    public init(settings: AILakeraGuardConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.settings = settings
        self.endpoint = GuardEndpoint(http: services.http, timeoutMilliseconds: settings.timeoutMilliseconds, verifiesPeer: settings.verifiesPeer)
        self.facts = [(.lakeraServiceURL, .string(settings.serviceURL)), (.lakeraProjectID, .string(settings.projectID ?? "default"))]
    }

    public func ask(_ query: GuardQuestion, _ permit: inout CallPermit) async throws(PluginFailure) -> GuardAnswer {
        let headers = self.settings.apiKey.map { [(name: "Authorization", value: "Bearer \($0)")] } ?? []
        let document = try await self.endpoint.post(self.settings.serviceURL, headers: headers, body: self.body(query), &permit)
        guard let flagged = document["flagged"]?.bool else { throw GuardEndpoint.unusable("does not say whether the text is flagged") }
        let detections = document["breakdown"]?.elements.filter { $0["detected"]?.bool == true } ?? []
        var types: [String] = []
        for detection in detections {
            if let type = detection["detector_type"]?.string, !types.contains(type) { types.append(type) }
        }
        var answer = GuardAnswer(.pass)
        let uuid = document["metadata"]?["request_uuid"]?.string
        if let uuid { answer.facts.append((query.source.field(.inputRequestUUID, .outputRequestUUID), .string(uuid))) }
        guard flagged else { return answer }
        // Kong's guide shows 403 for this guard, and 400 for its neighbours.
        answer.status = 403
        let reason = types.isEmpty ? "flagged" : types.joined(separator: ",")
        answer.facts.append((query.source.field(.inputBlockDetail, .outputBlockDetail), .string(Self.detail(detections))))
        var message = query.source == .input ? self.settings.requestFailureMessage : self.settings.responseFailureMessage
        if self.settings.revealsCategories { message += ": \(reason)" + (uuid.map { " (request_uuid \($0))" } ?? "") }
        answer.decision = .block(reason: reason, message: message)
        return answer
    }

    private func body(_ query: GuardQuestion) -> ByteBuffer {
        var writer = JSONWriter(capacity: 256 + query.byteCount)
        writer.beginObject()
        writer.key("messages")
        writer.beginArray()
        for text in query.texts {
            writer.beginObject()
            writer.key("role")
            writer.string(text.role)
            writer.key("content")
            writer.string(text.content)
            writer.endObject()
        }
        writer.endArray()
        writer.key("breakdown")
        writer.bool(true)
        if let project = self.settings.projectID {
            writer.key("project_id")
            writer.string(project)
        }
        writer.endObject()
        return writer.buffer
    }

    /// The detections that struck, as Kong logs them: ids and types, never the text.
    private static func detail(_ detections: [JSONView]) -> String {
        var writer = JSONWriter()
        writer.beginArray()
        for detection in detections {
            writer.beginObject()
            for key in ["policy_id", "detector_id", "project_id", "detector_type", "detected", "message_id"] {
                guard let value = detection[key] else { continue }
                writer.key(key)
                writer.raw(value)
            }
            writer.endObject()
        }
        writer.endArray()
        return String(buffer: writer.buffer)
    }
}
