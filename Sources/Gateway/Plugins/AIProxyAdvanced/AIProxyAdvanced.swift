public import GatewayCore
import GatewayWire
import NIOCore
public import Telemetry

/// `ai-proxy-advanced`: `ai-proxy` over several targets, one chosen for every attempt.
/// Behaviour: https://developer.konghq.com/plugins/ai-proxy-advanced/ and https://developer.konghq.com/ai-gateway/load-balancing/
public final class AIProxyAdvanced: RequestPlugin {
    public static let descriptor = PluginDescriptor(name: "ai-proxy-advanced", priority: 770, auditPath: "ai.proxy")

    /// Which target served stands in the attempt's span.
    public enum Field: EvidenceField {
        /// Targets that the request may use at all.
        case allowed

        public var key: StaticString {
            switch self {
            case .allowed: "pellucid.balancer.allowed"
            }
        }
    }

    private let configuration: AIProxyAdvancedConfiguration
    private let targets: [ModelTarget]
    private let operation: ModelOperation
    private let balancer: any TargetBalancer
    private let names: TargetNames
    private let hashField: HashField

    public init(configuration: AIProxyAdvancedConfiguration, services: PluginServices) throws(ConfigurationError) {
        let settings = try BalancerExtensions.decode(services.ownSettings)
        self.configuration = configuration
        self.targets = try AIProxyAdvanced.targets(configuration, services)
        self.operation = self.targets[0].operation
        self.names = TargetNames(configuration.targets)
        self.hashField = HashField(configuration.balancer.hashOnHeader)
        if configuration.balancer.algorithm == .semantic {
            throw ConfigurationError(issues: [ConfigurationIssue(path: "config.balancer.algorithm", line: 0, problem: "\"semantic\" is not served yet")])
        }
        self.balancer = services.balancers.balancer(
            id: services.instanceID, targets: AIProxyAdvanced.balanced(configuration, self.names), settings: settings.applied(to: configuration.balancer))
    }

    private static func targets(_ configuration: AIProxyAdvancedConfiguration, _ services: PluginServices) throws(ConfigurationError) -> [ModelTarget] {
        var targets: [ModelTarget] = []
        var issues: [ConfigurationIssue] = []
        for (index, target) in configuration.targets.enumerated() {
            if target.routeType != configuration.targets[0].routeType {
                issues.append(ConfigurationIssue(path: "config.targets[\(index)].route_type", line: 0, problem: "differs from that of the first target", hint: "use a plugin for each route type"))
                continue
            }
            do throws(ConfigurationError) {
                targets.append(
                    try ModelTarget(AIProxyConfiguration(target, of: configuration), providers: services.providers, pluginID: services.instanceID))
            } catch {
                issues += error.issues.map { AIProxyAdvanced.moved($0, to: index) }
            }
        }
        if !issues.isEmpty { throw ConfigurationError(issues: issues) }
        return targets
    }

    /// A problem of an `ai-proxy` configuration where a target has it.
    private static func moved(_ issue: ConfigurationIssue, to index: Int) -> ConfigurationIssue {
        guard issue.path.hasPrefix("config."), issue.path != "config.llm_format" else { return issue }
        return ConfigurationIssue(
            path: "config.targets[\(index)].\(issue.path.dropFirst("config.".count))", line: issue.line, problem: issue.problem, hint: issue.hint)
    }

    private static func balanced(_ configuration: AIProxyAdvancedConfiguration, _ names: TargetNames) -> [BalancedTarget] {
        configuration.targets.enumerated().map { index, target in BalancedTarget(key: names.keys[index], name: names.names[index], weight: target.weight) }
    }

    // MARK: One request

    public func handle(_ request: inout GatewayRequest, _ context: inout StageContext<AIProxyAdvanced>) async throws(PluginFailure) -> RequestVerdict {
        let body: ModelRequestBody
        switch await AIProxy.readBody(&request, self.operation, limit: self.configuration.maximumRequestBodyBytes) {
        case .success(let read): body = read
        case .failure(let refusal): return .reject(refusal.rejection)
        }
        var allowed = TargetSet(first: self.targets.count)
        if let model = body.model, !model.isEmpty {
            allowed = self.names.serving(model)
            guard !allowed.isEmpty else { return .reject(self.unknownModel.rejection) }
        }
        if !self.configuration.acls.isEmpty {
            allowed = self.permitted(allowed, request, body)
            guard !allowed.isEmpty else { return .reject(AIProxyAdvanced.forbidden) }
        }
        if allowed.count < self.targets.count { context.set(.allowed, .int(Int64(allowed.count))) }
        let query = BalancerQuery(allowed: allowed, hash: self.hashField.hash(request))
        request.body = .model(body)
        request.upstream = .directed(
            self.balancer.director(query, ModelPlanner(self.targets, body, sendsModelName: self.configuration.sendsModelNameHeader)))
        return .modified
    }

    private var unknownModel: RefusedRequest {
        RefusedRequest(
            400, "model_not_allowed", "cannot use own model - must be: \(self.names.offered.joined(separator: ", "))", parameter: "model")
    }

    private static let forbidden = Rejection(
        status: 403, code: "target_forbidden", message: "no model is allowed for this request", shape: .openAI(type: "permission_error", parameter: nil))

    private func permitted(_ allowed: TargetSet, _ request: borrowing GatewayRequest, _ body: ModelRequestBody) -> TargetSet {
        let subject = AccessSubject(request, model: body.model)
        let fields = request.head.fields
        let header = { (name: String) in fields.values(name: name).map { String(decoding: $0, as: UTF8.self) } }
        var permitted = allowed
        allowed.forEach { index in
            if !self.configuration.acls.permits(subject, self.configuration.targets[index], header: header) { permitted.remove(index) }
        }
        return permitted
    }
}

/// Plans a request for the targets of an instance.
private final class ModelPlanner: TargetPlanner {
    private let targets: [ModelTarget]
    private let body: ModelRequestBody
    private let sendsModelName: Bool

    init(_ targets: [ModelTarget], _ body: ModelRequestBody, sendsModelName: Bool) {
        self.targets = targets
        self.body = body
        self.sendsModelName = sendsModelName
    }

    func plan(_ target: Int, _ request: borrowing GatewayRequest) -> TargetPlanning {
        do throws(RefusedRequest) {
            let (plan, encoded) = try self.targets[target].plan(self.body, request)
            return .planned(plan, body: encoded, responseFields: self.sendsModelName ? [(name: "X-Kong-LLM-Model", value: plan.servedName)] : [])
        } catch { return .refused(error.rejection) }
    }
}

/// The header that consistent hashing goes by.
private struct HashField: Sendable {
    private let name: String
    private let known: KnownField?

    init(_ name: String) {
        self.name = name
        self.known = KnownField(name: name)
    }

    /// Of the first value of the header; of the request's id where it is absent, so that such requests spread.
    func hash(_ request: borrowing GatewayRequest) -> UInt64 {
        let value = self.known.map { request.head.fields.first($0) } ?? request.head.fields.values(name: self.name).first
        guard let value else { return BalancingHash.of(request.requestID.utf8) }
        return BalancingHash.of(value)
    }
}

extension AIProxyConfiguration {
    /// A target as `ai-proxy` would be configured for it alone.
    init(_ target: AIProxyAdvancedConfiguration.Target, of configuration: AIProxyAdvancedConfiguration) {
        self.routeType = target.routeType
        self.category = Category(rawValue: configuration.category.rawValue) ?? .textGeneration
        self.format = configuration.format
        self.model = target.model
        self.auth = target.auth
        self.logging = target.logging
        self.responseStreaming = configuration.responseStreaming
        self.maximumRequestBodyBytes = configuration.maximumRequestBodyBytes
        self.sendsModelNameHeader = configuration.sendsModelNameHeader
    }
}
