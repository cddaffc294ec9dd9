public import GatewayCore

/// Configuration of `ai-custom-guardrail`. Names, types, limits and defaults: Kong 3.15. Values may hold `$(expression)`s of Lua.
public struct AICustomGuardrailConfiguration: GatewayConfiguration, Hashable {
    public enum AuthLocation: String, Sendable, Hashable, CaseIterable { case body, header, query }

    /// A credential added to each request.
    public struct Auth: Sendable, Hashable {
        public let location: AuthLocation
        public let name: String
        public let value: String
    }

    /// What the service is sent.
    public struct Request: Sendable, Hashable {
        public let url: String
        public let headers: [String: String]
        public let queries: [String: String]
        public let body: [String: String]
        public let auth: Auth?
    }

    /// How its answer is read.
    public struct Response: Sendable, Hashable {
        public let block: String
        public let blockMessage: String
    }

    /// What is recorded of its answer.
    public struct Metrics: Sendable, Hashable {
        public let blockReason: String?
        public let blockDetail: String?
        public let masked: String?
    }

    public let common: GuardSettings
    public let parameters: [String: String]
    public let functions: [String: String]
    public let request: Request
    public let response: Response
    public let metrics: Metrics
    public let customMetrics: [String: String]
    public let timeoutMilliseconds: Int
    public let verifiesPeer: Bool
    /// `allow_masking`, which is accepted without effect: nothing in `response` names a masked text.
    public let wantsMasking: Bool

    public init(from node: inout ConfigurationNode) {
        self.common = GuardSettings(from: &node, textSource: .lastMessage, canLogContent: false)
        self.parameters = node.optionalStringMap("params", keys: [.nonEmpty], referenceable: true) ?? [:]
        self.functions = node.optionalStringMap("functions", keys: [.nonEmpty], values: [.nonEmpty]) ?? [:]
        self.request = node.requiredObject("request") { request in
            Request(
                url: request.requiredString("url"), headers: request.optionalStringMap("headers", referenceable: true) ?? [:],
                queries: request.optionalStringMap("queries", referenceable: true) ?? [:], body: request.optionalStringMap("body", referenceable: true) ?? [:],
                auth: request.object("auth", Self.auth) ?? nil)
        }
        self.response = node.requiredObject("response") { Response(block: $0.requiredString("block"), blockMessage: $0.requiredString("block_message")) }
        self.metrics = node.objectOrDefaults("metrics") {
            Metrics(blockReason: $0.optionalString("block_reason"), blockDetail: $0.optionalString("block_detail"), masked: $0.optionalString("masked"))
        }
        self.customMetrics = node.optionalStringMap("custom_metrics", keys: [.nonEmpty]) ?? [:]
        self.timeoutMilliseconds = node.guardTimeout()
        self.verifiesPeer = node.bool("ssl_verify", default: true)
        self.wantsMasking = node.bool("allow_masking", default: false)
        if self.wantsMasking {
            node.warn("has no effect: a custom guardrail's response names no masked text", at: "allow_masking", hint: "texts that would be masked are blocked or passed as response.block says")
        }
        for name in self.functions.keys where !Self.isName(name) { node.report("\"\(name)\" is no name of a Lua function", at: "functions", hint: "letters, digits and _") }
    }

    private static func auth(_ node: inout ConfigurationNode) -> Auth? {
        let location = node.choice("location", default: AuthLocation.header)
        let name = node.optionalString("name", referenceable: true)
        let value = node.optionalString("value", referenceable: true)
        guard let name, let value else {
            if name != nil || value != nil { node.report("needs both name and value") }
            return nil
        }
        return Auth(location: location, name: name, value: value)
    }

    private static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return text.utf8.allSatisfy { $0 == 0x5f || (0x30...0x39).contains($0) || (0x41...0x5a).contains($0 & 0xDF) }
    }
}
