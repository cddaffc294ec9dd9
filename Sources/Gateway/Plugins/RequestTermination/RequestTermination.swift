public import GatewayCore
import GatewayWire
import NIOCore
public import Telemetry

/// `request-termination`: answers requests instead of any upstream. Behaviour: https://developer.konghq.com/plugins/request-termination/
public final class RequestTermination: RequestPlugin {
    public static let descriptor = PluginDescriptor(name: "request-termination", priority: 2)

    public typealias Field = NoEvidence

    private let configuration: RequestTerminationConfiguration

    public init(configuration: RequestTerminationConfiguration, services: PluginServices) throws(ConfigurationError) { self.configuration = configuration }

    public func handle(_ request: inout GatewayRequest, _ context: inout StageContext<RequestTermination>) async throws(PluginFailure) -> RequestVerdict {
        if let trigger = self.configuration.trigger, !request.head.fields.contains(name: trigger), !Self.hasArgument(trigger, request.query) { return .pass }
        var fields = HTTPFields()
        if self.configuration.echoes {
            var body: ByteBuffer?
            do throws(DownstreamFailure) { body = try await request.collectBody(limit: RequestEcho.maximumBodyBytes) } catch {
                guard case .bodyTooLarge = error else { return .reject(Rejection(status: 400, code: error.code, message: "The request body could not be read")) }
            }
            _ = fields.append(name: "Content-Type", "application/json; charset=utf-8")
            let copy = RequestEcho.encode(request, message: self.configuration.message ?? Self.messages[self.configuration.status], body: body)
            return .respond(GatewayResponse(status: self.configuration.status, fields: fields, body: copy))
        }
        if let body = self.configuration.body {
            _ = fields.append(name: "Content-Type", self.configuration.contentType ?? "text/plain; charset=utf-8")
            return .respond(GatewayResponse(status: self.configuration.status, fields: fields, body: ByteBuffer(string: body)))
        }
        guard let message = self.configuration.message ?? Self.messages[self.configuration.status] else {
            return .respond(GatewayResponse(status: self.configuration.status, fields: fields))
        }
        _ = fields.append(name: "Content-Type", "application/json; charset=utf-8")
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("message")
        writer.string(message)
        writer.endObject()
        return .respond(GatewayResponse(status: self.configuration.status, fields: fields, body: writer.buffer))
    }

    private static func hasArgument(_ name: String, _ query: ByteBuffer?) -> Bool { query.map { !FormFields($0).values(name).isEmpty } ?? false }

    /// Kong's messages for statuses without a configured one.
    private static let messages: [Int: String] = [
        401: "Unauthorized", 404: "Not found", 405: "Method not allowed", 500: "An unexpected error occurred", 502: "Bad Gateway", 503: "Service unavailable",
    ]
}
