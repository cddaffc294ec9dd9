import GatewayCore

/// What Kong's content guards have in common in their configurations. Names and meanings: Kong 3.15's schemas of ai-lakera-guard and its neighbours.
public struct GuardSettings: Sendable, Hashable {
    /// `guarding_mode`.
    public enum Mode: String, Sendable, Hashable, CaseIterable {
        case input = "INPUT", output = "OUTPUT", both = "BOTH"
        var seesInput: Bool { self != .output }
        var seesOutput: Bool { self != .input }

        var name: StaticString {
            switch self {
            case .input: "INPUT"
            case .output: "OUTPUT"
            case .both: "BOTH"
            }
        }
    }

    /// `text_source`: which texts of a request are looked at.
    public enum TextSource: String, Sendable, Hashable, CaseIterable {
        case everything = "concatenate_all_content"
        case userContent = "concatenate_user_content"
        case lastMessage = "last_message"
    }

    /// `guarding_mode`. Default INPUT.
    public let mode: Mode
    public let textSource: TextSource
    /// `response_buffer_size`: bytes of a streamed answer's text that are collected before the service is asked. Default 100.
    public let windowBytes: Int
    /// `stop_on_error`: whether traffic stops that could not be judged. Default true.
    public let stopsOnError: Bool
    /// `log_blocked_content`: whether blocked texts are recorded. Default false.
    public let logsBlockedContent: Bool
    /// `allow_masking`: whether texts that the service has masked go on instead of being blocked. Default false.
    public let allowsMasking: Bool

    /// - Parameters:
    ///   - textSource: the plugin's own default.
    ///   - canLogContent: whether the plugin's schema has `log_blocked_content`.
    ///   - canMask: whether it has `allow_masking`.
    init(from node: inout ConfigurationNode, textSource: TextSource, canLogContent: Bool = true, canMask: Bool = false) {
        self.mode = node.choice("guarding_mode", default: .input)
        self.textSource = node.choice("text_source", default: textSource)
        // Kong's type is a number; part of a byte is none.
        self.windowBytes = Int(node.number("response_buffer_size", default: 100, in: 0...1_048_576).rounded(.up))
        self.stopsOnError = node.bool("stop_on_error", default: true)
        self.logsBlockedContent = canLogContent ? node.bool("log_blocked_content", default: false) : false
        self.allowsMasking = canMask ? node.bool("allow_masking", default: false) : false
    }
}

extension ConfigurationNode {
    /// `timeout` of a guard service: milliseconds for the whole exchange.
    mutating func guardTimeout(_ key: String = "timeout") -> Int { Int(self.number(key, default: 10_000, in: 0...3_600_000).rounded(.up)) }
}
