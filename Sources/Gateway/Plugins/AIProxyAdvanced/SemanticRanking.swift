import GatewayCore
import GatewayWire
import NIOCore
import Synchronization

/// `semantic`: which descriptions a prompt is like, nearest first.
///
/// The descriptions are embedded with the first prompt, in one call, and kept with the instance. When the embedding model cannot be asked, the catch-all
/// targets serve, or all take turns: routing by meaning is a preference, no reason to refuse.
final class SemanticRanking: Sendable {
    /// Groups of targets as the balancer tries them.
    struct Result {
        var groups: [TargetSet]
        var reason: StaticString
        /// Of the first group's description; nil: none was compared.
        var distance: Double?
    }

    private let model: EmbeddingModel
    private let metric: VectorMetric
    private let threshold: Double?
    private let descriptions: [String]
    /// Targets of each description.
    private let groups: [TargetSet]
    private let catchAll: TargetSet
    private let index = Mutex<ExactVectorIndex?>(nil)

    /// Longest prompt that is embedded, bytes; what is said last counts.
    static let promptLimit = 8192

    init(_ configuration: AIProxyAdvancedConfiguration, _ services: PluginServices) throws(ConfigurationError) {
        guard let embeddings = configuration.embeddings, let vectors = configuration.vectorDatabase else {
            throw ConfigurationError(issues: [ConfigurationIssue(path: "config.embeddings", line: 0, problem: "is required by the algorithm semantic")])
        }
        self.model = try EmbeddingModel(embeddings, dimensions: vectors.dimensions, services: services, path: "config.embeddings")
        self.metric = vectors.metric == .cosine ? .cosine : .euclidean
        self.threshold = vectors.threshold
        var descriptions: [String] = []
        var groups: [TargetSet] = []
        var catchAll = TargetSet()
        for (index, target) in configuration.targets.enumerated() {
            let description = target.description ?? ""
            if description == "CATCHALL" {
                catchAll.insert(index)
            } else if let known = descriptions.firstIndex(of: description) {
                groups[known].insert(index)
            } else {
                descriptions.append(description)
                groups.append(TargetSet([index]))
            }
        }
        self.descriptions = descriptions
        self.groups = groups
        self.catchAll = catchAll
    }

    func rank(_ body: ModelRequestBody, _ context: inout StageContext<AIProxyAdvanced>) async -> Result {
        let prompt = SemanticRanking.text(of: body)
        guard !self.descriptions.isEmpty, !prompt.isEmpty else { return self.unmatched("catch_all") }
        do throws(PluginFailure) {
            let known = self.index.withLock { $0 }
            let vectors = try await context.call(self.model, known == nil ? self.descriptions + [prompt] : [prompt])
            let index = known ?? self.remember(vectors)
            guard let vector = vectors.last else { return self.unmatched("embedding_failed") }
            return self.ranked(index.search(vector, count: self.descriptions.count))
        } catch { return self.unmatched("embedding_failed") }
    }

    private func remember(_ vectors: [[Float]]) -> ExactVectorIndex {
        let index = ExactVectorIndex(vectors.dropLast().enumerated().map { (id: $0.offset, vector: $0.element) }, metric: self.metric)
        self.index.withLock { $0 = index }
        return index
    }

    /// Matches within the threshold, the catch-all targets, then the rest: a target further off is better than none.
    func ranked(_ matches: [VectorMatch]) -> Result {
        let near = matches.filter { match in self.threshold.map { match.distance <= $0 } ?? true }
        let far = matches.dropFirst(near.count)
        var groups = near.map { self.groups[$0.id] }
        if !self.catchAll.isEmpty { groups.append(self.catchAll) }
        groups += far.map { self.groups[$0.id] }
        let reason: StaticString = !near.isEmpty ? "best_match" : self.catchAll.isEmpty ? "nearest" : "catch_all"
        return Result(groups: groups, reason: reason, distance: matches.first?.distance)
    }

    private func unmatched(_ reason: StaticString) -> Result { Result(groups: self.catchAll.isEmpty ? [] : [self.catchAll], reason: reason, distance: nil) }

    /// What the client said last: the texts of the last message of a user.
    static func text(of body: ModelRequestBody) -> String {
        let prompt = PromptReader.read(body.document.root)
        let contents = prompt.parts.filter { $0.kind == .content }
        let last = contents.last { $0.role == .user }?.message
        let parts = contents.filter { last == nil ? true : $0.role == .user && $0.message == last }
        let text = parts.compactMap(\.view.string).joined(separator: "\n")
        guard text.utf8.count > SemanticRanking.promptLimit else { return text }
        return String(decoding: text.utf8.suffix(SemanticRanking.promptLimit), as: UTF8.self)
    }
}
