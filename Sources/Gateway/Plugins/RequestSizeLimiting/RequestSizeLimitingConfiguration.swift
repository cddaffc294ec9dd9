public import GatewayCore

/// Configuration of `request-size-limiting`. Names, types and defaults: Kong 3.15.
public struct RequestSizeLimitingConfiguration: GatewayConfiguration, Hashable {
    /// The largest body, in `size_unit`. Default 128.
    public let allowedSize: Int
    /// Default megabytes.
    public let unit: Unit
    /// Whether a request without Content-Length is refused, unless it is chunked. Default false.
    public let requiresContentLength: Bool

    public enum Unit: String, Sendable, Hashable, CaseIterable {
        case bytes, kilobytes, megabytes

        /// Kong counts in powers of two.
        var bytes: Int {
            switch self {
            case .bytes: 1
            case .kilobytes: 1_024
            case .megabytes: 1_048_576
            }
        }
    }

    /// The largest body in bytes.
    var limitBytes: Int {
        let (bytes, isTooLarge) = self.allowedSize.multipliedReportingOverflow(by: self.unit.bytes)
        return isTooLarge ? .max : bytes
    }

    public init(from node: inout ConfigurationNode) {
        self.allowedSize = node.int("allowed_payload_size", default: 128, in: 0...Int.max)
        self.unit = node.choice("size_unit", default: .megabytes)
        self.requiresContentLength = node.bool("require_content_length", default: false)
    }
}
