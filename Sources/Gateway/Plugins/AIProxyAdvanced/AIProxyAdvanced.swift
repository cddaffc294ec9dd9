public import GatewayCore
import GatewayWire
import NIOCore
public import Telemetry

/// `ai-proxy-advanced`: `ai-proxy` over several targets, one chosen for every attempt.
/// Behaviour: https://developer.konghq.com/plugins/ai-proxy-advanced/ and https://developer.konghq.com/ai-gateway/load-balancing/
public final class AIProxyAdvanced: InlineRequestPlugin, ModelServing {
    public static let descriptor = PluginDescriptor(name: "ai-proxy-advanced", priority: 770, auditPath: "ai.proxy")

    /// Which target served stands in the attempt's span.
    public enum Field: EvidenceField {
        /// Targets that the request may use at all.
        case allowed
        /// The group of the split test that the client belongs to.
        case group
        /// How far the prompt is from the nearest description.
        case distance
        /// The target that gets a copy of the request.
        case mirrored

        public var key: StaticString {
            switch self {
            case .allowed: "pellucid.balancer.allowed"
            case .group: "pellucid.balancer.group"
            case .distance: "pellucid.balancer.distance"
            case .mirrored: "pellucid.balancer.mirrored"
            }
        }
    }

    private let configuration: AIProxyAdvancedConfiguration
    private let targets: [ModelTarget]
    private let operation: ModelOperation
    private let balancer: any TargetBalancer
    private let names: TargetNames
    private let hashField: HashField
    /// Whether the algorithm goes by a hash.
    private let hashes: Bool
    /// Whether judges' scores are of use.
    private let isScored: Bool
    private let semantic: SemanticRanking?
    private let split: SplitAssignment?
    private let mirror: Mirror?
    private let balancers: any BalancerDirectory
    private let pluginID: String
    /// nil: nothing has to be fetched for any request.
    private let media: MediaInliner?
    /// Whether a target's provider speaks another format than the clients.
    private let translates: Bool

    /// Where copies go.
    private struct Mirror {
        let target: Int
        let share: Double
        let timeoutMilliseconds: Int
    }

    public init(configuration: AIProxyAdvancedConfiguration, services: PluginServices) throws(ConfigurationError) {
        let settings = try BalancerExtensions.decode(services.ownSettings)
        self.configuration = configuration
        let targets = try AIProxyAdvanced.targets(configuration, services)
        self.targets = targets
        self.translates = targets.contains { $0.translator != nil }
        self.operation = targets[0].operation
        let names = TargetNames(configuration.targets)
        self.names = names
        self.hashField = HashField(configuration.balancer.hashOnHeader)
        self.hashes = configuration.balancer.algorithm == .consistentHashing && settings.algorithm == nil
        self.isScored = configuration.balancer.algorithm == .lowestUsage && configuration.balancer.usage == .accuracy
        self.semantic = configuration.balancer.algorithm == .semantic ? try SemanticRanking(configuration, services) : nil
        self.split = try settings.split.map { split throws(ConfigurationError) in try SplitAssignment(split, names) }
        self.mirror = try settings.mirror.map { mirror throws(ConfigurationError) in
            guard let target = names.names.firstIndex(of: mirror.target), configuration.targets.count > 1 else {
                throw ConfigurationError(issues: [
                    ConfigurationIssue(
                        path: "_pellucid.balancer.mirror.target", line: 0, problem: "there is no target \"\(mirror.target)\" beside another one",
                        hint: "targets are \(names.names.joined(separator: ", "))")
                ])
            }
            guard targets[target].offer.authorizer == nil else {
                throw ConfigurationError(issues: [
                    ConfigurationIssue(
                        path: "_pellucid.balancer.mirror.target", line: 0, problem: "the target \"\(mirror.target)\" authenticates with a cloud's identity, which copies are not sent with",
                        hint: "mirror to a target with a key in a header or parameter")
                ])
            }
            return Mirror(target: target, share: mirror.percent / 100, timeoutMilliseconds: configuration.balancer.readTimeout)
        }
        self.media = try MediaInliner(targets, services)
        self.balancers = services.balancers
        self.pluginID = services.instanceID
        self.balancer = services.balancers.balancer(
            id: services.instanceID, targets: AIProxyAdvanced.balanced(configuration, names, self.targets, settings.health?.path),
            settings: settings.applied(to: configuration.balancer))
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
                    try ModelTarget(AIProxyConfiguration(target, of: configuration), services: services, policy: UnsupportedPolicy(services.ownSettings)))
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

    /// - Parameter probePath: what active health checks ask; nil: there are none.
    private static func balanced(
        _ configuration: AIProxyAdvancedConfiguration, _ names: TargetNames, _ targets: [ModelTarget], _ probePath: String?
    ) -> [BalancedTarget] {
        configuration.targets.enumerated().map { index, target in
            let endpoint = targets[index].endpoint
            let probe = probePath.map { HealthProbe(url: endpoint.origin + $0, verifiesTLS: endpoint.verifiesCertificate) }
            return BalancedTarget(key: names.keys[index], name: names.names[index], weight: target.weight, probe: probe)
        }
    }

    // MARK: One request

    public func isReady(_ request: inout GatewayRequest) -> Bool {
        self.operation.isPrompt && self.semantic == nil && self.media == nil && ModelBody.isHere(&request, limit: self.configuration.maximumRequestBodyBytes)
    }

    public func handle(_ request: inout GatewayRequest, _ context: inout StageContext<AIProxyAdvanced>) async throws(PluginFailure) -> RequestVerdict {
        do throws(RefusedRequest) {
            if self.operation == .realtime {
                if let refusal = request.webSocketRefusal() { return .reject(refusal) }
                return self.direct(.nothing, try self.admitted(request.query.flatMap { ModelTarget.sessionModel($0) }, request), &request, &context)
            }
            if !self.operation.isPrompt {
                let content = try await PassedContent.read(&request, self.targets[0], limit: self.configuration.maximumRequestBodyBytes)
                // What a vendor's own requests name is for each target to check.
                return self.direct(content, try self.admitted(self.targets[0].resources == nil ? content.model : nil, request), &request, &context)
            }
            let body = try await ModelBody.read(&request, self.operation, limit: self.configuration.maximumRequestBodyBytes, format: self.clientFormat).get()
            // What is refused anyway costs no call.
            let allowed = try self.admitted(self.targets[0].format.model(body, request), request)
            if let counting = try self.counting(body, allowed, &request, &context) { return counting }
            let ranking = await self.semantic?.rank(body, &context)
            let media = try await self.media?.fetch(body, request, allowed: { allowed.contains($0) }, &context)
            return self.direct(.json(body), allowed, ranking: ranking, media: media, &request, &context)
        } catch { return .reject(error.shaped(for: self.clientFormat).rejection) }
    }

    public func decide(_ request: inout GatewayRequest, _ context: inout StageContext<AIProxyAdvanced>) -> RequestVerdict {
        do throws(RefusedRequest) {
            let body = try ModelBody.take(&request, self.operation, limit: self.configuration.maximumRequestBodyBytes, format: self.clientFormat).get()
            let allowed = try self.admitted(self.targets[0].format.model(body, request), request)
            return try self.counting(body, allowed, &request, &context) ?? self.direct(.json(body), allowed, &request, &context)
        } catch { return .reject(error.shaped(for: self.clientFormat).rejection) }
    }

    /// The targets that may serve a request for a model.
    ///
    /// - Parameter model: nil or empty: any.
    private func admitted(_ model: String?, _ request: borrowing GatewayRequest) throws(RefusedRequest) -> TargetSet {
        var allowed = self.choosable
        if let model, !model.isEmpty {
            allowed = self.names.serving(model).intersection(self.choosable)
            guard !allowed.isEmpty else { throw self.unknownModel }
        }
        if !self.configuration.acls.isEmpty {
            allowed = self.permitted(allowed, request, model: model)
            guard !allowed.isEmpty else { throw AIProxyAdvanced.forbidden }
        }
        return allowed
    }

    /// What becomes of a request for a count of tokens: targets of the client's own format are asked; where there are none, the count is an estimate.
    ///
    /// - Returns: nil where the client asks for something else.
    private func counting(
        _ body: ModelRequestBody, _ allowed: TargetSet, _ request: inout GatewayRequest, _ context: inout StageContext<AIProxyAdvanced>
    ) throws(RefusedRequest) -> RequestVerdict? {
        guard self.translates, self.targets[0].format.countCall(body, request) != nil else { return nil }
        var counting = allowed
        var estimating = 0
        allowed.forEach { index in
            guard self.targets[index].translator != nil else { return }
            counting.remove(index)
            estimating = index
        }
        if counting.isEmpty { return try self.targets[estimating].tokenCount(body, request).map { .respond($0) } }
        return self.direct(.json(body), counting, &request, &context)
    }

    /// Has the balancer direct a request.
    ///
    /// - Parameters:
    ///   - content: nothing: it opens a session, or asks for something that is there.
    ///   - ranking: which targets are near to the prompt; nil: the algorithm does not ask.
    ///   - media: what was fetched for targets that want content inline.
    @inline(__always)
    private func direct(
        _ content: PassedContent, _ allowed: TargetSet, ranking: SemanticRanking.Result? = nil, media: FetchedMedia? = nil, _ request: inout GatewayRequest,
        _ context: inout StageContext<AIProxyAdvanced>
    ) -> RequestVerdict {
        if allowed != self.choosable { context.set(.allowed, .int(Int64(allowed.count))) }
        var query = BalancerQuery(allowed: allowed, hash: self.hashes ? self.hashField.hash(request) : 0)
        // A handshake uses nothing before the session is open.
        query.isIdempotent = self.operation == .realtime || request.head.method == .get
        if let group = self.split?.group(of: request) {
            query.preferred = group.targets
            context.set(.group, .string(group.name))
        }
        if let ranking {
            query.ranking = ranking.groups
            query.rankingReason = ranking.reason
            if let distance = ranking.distance { context.set(.distance, .double(distance)) }
        }
        let served = self.isScored ? ServedTarget(self.balancer) : nil
        if let served { request.leave(served, for: ServedTarget.noteID) }
        if case .json(let body) = content { request.body = .model(body) }
        let director = self.balancer.director(query, ModelPlanner(self.targets, content, media, served, sendsModelName: self.configuration.sendsModelNameHeader))
        // Sessions have no copies: nobody could speak in one.
        if case .json(let body) = content { request.upstream = .directed(self.mirrored(director, request, body, media, &context)) } else { request.upstream = .directed(director) }
        return .modified
    }

    /// Sends the copy of a request that is to be mirrored, and has its own outcome recorded beside the copy's.
    private func mirrored(
        _ director: any AttemptDirector, _ request: borrowing GatewayRequest, _ body: ModelRequestBody, _ media: FetchedMedia?,
        _ context: inout StageContext<AIProxyAdvanced>
    ) -> any AttemptDirector {
        guard let mirror, Double(BalancingHash.of(request.requestID.utf8) >> 11) * 0x1p-53 < mirror.share else { return director }
        // What the target cannot express is not mirrored.
        guard let (plan, encoded) = try? self.targets[mirror.target].plan(body, request, media: media) else { return director }
        context.set(.mirrored, .string(self.names.names[mirror.target]))
        let copy = MirroredCopy(
            plan: plan, call: plan.call(encoded, timeoutMilliseconds: mirror.timeoutMilliseconds), pluginID: self.pluginID, target: self.names.names[mirror.target],
            parent: context.traceContext)
        return MirroredAttempts(director, self.balancers, names: self.names.names, copy: copy)
    }

    /// All targets but the one that only gets copies.
    private var choosable: TargetSet {
        var all = TargetSet(first: self.targets.count)
        if let mirror { all.remove(mirror.target) }
        return all
    }

    private var unknownModel: RefusedRequest {
        RefusedRequest(
            400, "model_not_allowed", "cannot use own model - must be: \(self.names.offered.joined(separator: ", "))", parameter: "model")
    }

    private static let forbidden = RefusedRequest(403, "target_forbidden", "no model is allowed for this request")

    public var clientFormat: ModelFormat { self.targets[0].format.name }

    private func permitted(_ allowed: TargetSet, _ request: borrowing GatewayRequest, model: String?) -> TargetSet {
        let subject = AccessSubject(request, model: model)
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
    private let content: PassedContent
    private let media: FetchedMedia?
    private let served: ServedTarget?
    private let sendsModelName: Bool

    init(_ targets: [ModelTarget], _ content: PassedContent, _ media: FetchedMedia?, _ served: ServedTarget?, sendsModelName: Bool) {
        self.served = served
        self.targets = targets
        self.content = content
        self.media = media
        self.sendsModelName = sendsModelName
    }

    func plan(_ target: Int, attempt: Int, _ request: borrowing GatewayRequest) -> TargetPlanning {
        self.served?.set(target)
        do throws(RefusedRequest) {
            let plan: ModelPlan
            var encoded = ByteBuffer()
            switch self.content {
            case .json(let body): (plan, encoded) = try self.targets[target].plan(body, request, media: self.media)
            case .form(let form): (plan, encoded) = try self.targets[target].passage(nil, form: form, request)
            case .bytes(let bytes): (plan, encoded) = try self.targets[target].passage(nil, bytes: bytes, request)
            case .nothing where self.targets[target].operation == .realtime: plan = try self.targets[target].session(request)
            case .nothing: (plan, encoded) = try self.targets[target].passage(nil, request)
            }
            let attempts = (name: "X-Pellucid-Attempts", value: attempt == 1 ? "1" : "\(attempt)")
            return .planned(plan, body: encoded, responseFields: self.sendsModelName ? [plan.servedField, attempts] : [attempts])
        } catch { return .refused(error.shaped(for: self.targets[target].format.name).rejection) }
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
