public import GatewayCore
import GatewayWire
public import Telemetry

/// `request-size-limiting`: refuses bodies that are too large. Behaviour: https://developer.konghq.com/plugins/request-size-limiting/
///
/// A body that tells its length is judged by it; a chunked one is read up to the limit first, since no byte may reach the upstream before it is known to fit.
public final class RequestSizeLimiting: InlineRequestPlugin {
    public static let descriptor = PluginDescriptor(name: "request-size-limiting", priority: 951)

    public enum Field: EvidenceField {
        /// The limit in bytes, where a request was over it.
        case limit

        public var key: StaticString { "pellucid.request_size.limit_bytes" }
    }

    private let configuration: RequestSizeLimitingConfiguration
    private let limit: Int

    public init(configuration: RequestSizeLimitingConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.configuration = configuration
        self.limit = configuration.limitBytes
    }

    public func isReady(_ request: inout GatewayRequest) -> Bool { request.head.framing != .chunked }

    public func handle(_ request: inout GatewayRequest, _ context: inout StageContext<RequestSizeLimiting>) async throws(PluginFailure) -> RequestVerdict {
        guard request.head.framing == .chunked else { return self.decide(&request, &context) }
        do throws(DownstreamFailure) {
            _ = try await request.collectBody(limit: self.limit)
            return .pass
        } catch {
            if case .bodyTooLarge = error { return self.refuse(request, &context) }
            return .reject(Rejection(status: 400, code: error.code, message: "The request body could not be read"))
        }
    }

    public func decide(_ request: inout GatewayRequest, _ context: inout StageContext<RequestSizeLimiting>) -> RequestVerdict {
        switch request.head.framing {
        case .none:
            guard self.configuration.requiresContentLength else { return .pass }
            return .reject(Rejection(status: 411, code: "length_required", message: "A valid Content-Length header is required"))
        case .length(let length): return length > self.limit ? self.refuse(request, &context) : .pass
        case .chunked: return .pass
        }
    }

    private func refuse(_ request: borrowing GatewayRequest, _ context: inout StageContext<RequestSizeLimiting>) -> RequestVerdict {
        context.set(.limit, .int(Int64(self.limit)))
        let status = request.head.expectsContinue ? 417 : 413
        return .reject(Rejection(status: status, code: "request_too_large", message: "Request size limit exceeded"))
    }
}
