public import GatewayCore
import GatewayWire
import NIOCore

/// `acls`: who may use which target. A target that a deny rule matches is out; with allow rules one of them must match.
public struct AccessRules: GatewayConfiguration, Hashable {
    public let allow: [Rule]?
    public let deny: [Rule]?

    public init(from node: inout ConfigurationNode) {
        self.allow = node.optionalObjects("allow", count: 1...Int.max) { Rule(from: &$0) }
        self.deny = node.optionalObjects("deny", count: 1...Int.max) { Rule(from: &$0) }
    }

    /// All its conditions must hold.
    public struct Rule: GatewayConfiguration, Hashable {
        public let conditions: [Condition]

        public init(from node: inout ConfigurationNode) {
            if !node.isPresent("match") { node.report("is required", at: "match") }
            self.conditions = node.objects("match", count: 1...Int.max) { Condition(from: &$0) }
        }
    }

    public struct Condition: GatewayConfiguration, Hashable {
        public let kind: Kind
        public let key: String?
        public let values: [String]
        let addresses: [AddressRange]

        public enum Kind: String, Sendable, Hashable, CaseIterable {
            case consumer
            case consumerGroup = "consumer_group"
            case header, ip, model, path, provider
        }

        public init(from node: inout ConfigurationNode) {
            self.kind = node.requiredChoice("type", placeholder: .consumer)
            self.key = node.optionalString("key")
            if !node.isPresent("values") { node.report("is required", at: "values") }
            self.values = node.strings("values", count: 1...Int.max)
            self.addresses = self.kind == .ip ? self.values.compactMap { AddressRange($0) } : []
            switch self.kind {
            case .consumer: Self.check(&node, self.key, ["id", "username"])
            case .consumerGroup: Self.check(&node, self.key, ["id", "name"])
            case .header: if self.key?.isEmpty ?? true { node.report("names the header and is required for this type", at: "key") }
            case .ip where self.addresses.count != self.values.count: node.report("holds something that is neither an address nor a block", at: "values")
            case .ip, .model, .path, .provider: break
            }
        }

        private static func check(_ node: inout ConfigurationNode, _ key: String?, _ allowed: [String]) {
            if let key, !allowed.contains(key) { node.report("is not \(allowed.joined(separator: " or "))", at: "key") }
        }
    }

    public var isEmpty: Bool { self.allow == nil && self.deny == nil }
}

/// What rules ask about a request; the client's own values, resolved once.
struct AccessSubject {
    let consumerID: String?
    let consumerName: String?
    let groupIDs: [String]
    let groupNames: [String]
    let address: AddressRange?
    let path: String
    let model: String?

    init(_ request: borrowing GatewayRequest, model: String?) {
        self.consumerID = request.consumer?.id
        self.consumerName = request.consumer?.username
        self.groupIDs = request.consumer?.groupIDs ?? []
        self.groupNames = request.consumer?.groupNames ?? []
        self.address = AddressRange(request.connection.clientAddress)
        // As the router sees it: another spelling of a path must not be another path.
        self.path = String(buffer: request.normalizedPath)
        self.model = model
    }
}

extension AccessRules {
    /// Whether the request may use a target.
    func permits(_ subject: AccessSubject, _ target: AIProxyAdvancedConfiguration.Target, header: (String) -> [String]) -> Bool {
        if let deny, deny.contains(where: { $0.matches(subject, target, header) }) { return false }
        guard let allow else { return true }
        return allow.contains { $0.matches(subject, target, header) }
    }
}

extension AccessRules.Rule {
    fileprivate func matches(_ subject: AccessSubject, _ target: AIProxyAdvancedConfiguration.Target, _ header: (String) -> [String]) -> Bool {
        self.conditions.allSatisfy { condition in
            switch condition.kind {
            case .consumer:
                let values = condition.key == "id" ? [subject.consumerID] : condition.key == "username" ? [subject.consumerName] : [subject.consumerID, subject.consumerName]
                return values.contains { value in value.map { condition.values.contains($0) } ?? false }
            case .consumerGroup:
                let groups = condition.key == "id" ? subject.groupIDs : condition.key == "name" ? subject.groupNames : subject.groupIDs + subject.groupNames
                return groups.contains { condition.values.contains($0) }
            case .header: return header(condition.key ?? "").contains { condition.values.contains($0) }
            case .ip: return subject.address.map { address in condition.addresses.contains { $0.contains(address) } } ?? false
            case .path: return condition.values.contains { $0.hasSuffix("*") ? subject.path.hasPrefix($0.dropLast()) : subject.path == $0 }
            // What the client calls it and what the provider does: either names the model.
            case .model: return [subject.model, target.model.name, target.model.alias].contains { model in model.map { condition.values.contains($0) } ?? false }
            case .provider: return condition.values.contains(target.model.provider.rawValue)
            }
        }
    }
}
