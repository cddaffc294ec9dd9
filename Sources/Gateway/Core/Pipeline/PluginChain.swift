import Telemetry

/// The plugins of one route in order of priority; where a plugin is configured in several scopes, the most specific that applies.
struct PluginChain: Sendable {
    /// All instances of one plugin that can apply to this route, most specific first.
    private struct Slot: Sendable {
        let candidates: [PluginInstance]
    }

    private let slots: [Slot]
    /// Whether who the client is changes which instances apply.
    private let dependsOnConsumer: Bool
    private let fixed: Selection
    /// Whether the instances' `ordering`s contradict each other.
    let isOrderingCircular: Bool

    /// The instances that apply to one request, by phase.
    final class Selection: Sendable {
        let request: [any RequestStage]
        let attempt: [any AttemptStage]
        let response: [any ResponseStage]
        let stream: [any StreamStage]
        let sinks: [any EvidenceConsumer]
        let sampler: Sampler?
        let propagation: TracePropagation?
        /// Whether a stage looks into the content of responses.
        let readsContent: Bool

        init(_ instances: [PluginInstance]) {
            self.request = instances.compactMap(\.request)
            self.attempt = instances.compactMap(\.attempt)
            self.response = instances.compactMap(\.response)
            self.stream = instances.compactMap(\.stream)
            self.sinks = instances.flatMap(\.sinks)
            self.sampler = instances.compactMap(\.sampler).last
            self.propagation = instances.compactMap(\.propagation).last
            self.readsContent =
                !self.stream.isEmpty
                || self.response.contains { stage in
                    if case .body = stage.need { true } else { false }
                }
        }
    }

    init(route: String, service: String?, instances: [PluginInstance]) {
        var byName: [String: [PluginInstance]] = [:]
        for instance in instances where instance.applies(route: route, service: service) { byName[instance.name, default: []].append(instance) }
        let byPriority = byName.values.map { Slot(candidates: $0.sorted { $0.precedence > $1.precedence }) }
            .sorted { a, b in
                let (x, y) = (a.candidates[0], b.candidates[0])
                return x.priority != y.priority ? x.priority > y.priority : x.name > y.name
            }
        (self.slots, self.isOrderingCircular) = PluginChain.rearranged(byPriority)
        let ordered = self.slots
        self.dependsOnConsumer = ordered.contains { $0.candidates.contains { $0.consumerID != nil || $0.consumerGroupID != nil } }
        self.fixed = Selection(ordered.compactMap { slot in slot.candidates.first { $0.applies(to: nil) } })
    }

    /// Plugins by priority, rearranged as far as Kong's `ordering` wants it: of those that need not wait for another, the one with the highest priority comes next
    /// (https://developer.konghq.com/gateway/entities/plugin/#dynamic-plugin-ordering).
    private static func rearranged(_ slots: [Slot]) -> (slots: [Slot], isCircular: Bool) {
        guard slots.contains(where: { $0.candidates.contains { !$0.runsBefore.isEmpty || !$0.runsAfter.isEmpty } }) else { return (slots, false) }
        var earlier: [String: Set<String>] = [:]
        let names = Set(slots.map { $0.candidates[0].name })
        for candidate in slots.flatMap(\.candidates) {
            for name in candidate.runsBefore where names.contains(name) { earlier[name, default: []].insert(candidate.name) }
            for name in candidate.runsAfter where names.contains(name) { earlier[candidate.name, default: []].insert(name) }
        }
        var rest = slots
        var result: [Slot] = []
        var placed: Set<String> = []
        while !rest.isEmpty {
            guard let index = rest.firstIndex(where: { earlier[$0.candidates[0].name, default: []].isSubset(of: placed) }) else { return (slots, true) }
            let next = rest.remove(at: index)
            placed.insert(next.candidates[0].name)
            result.append(next)
        }
        return (result, false)
    }

    /// Number of plugins; the index space of ``requestStage(at:for:)``.
    var requestStageCount: Int { self.dependsOnConsumer ? self.slots.count : self.fixed.request.count }

    /// The request stage whose turn it is; asked one by one, since an authentication stage decides which later ones apply.
    func requestStage(at index: Int, for consumer: Consumer?) -> (any RequestStage)? {
        guard self.dependsOnConsumer else { return self.fixed.request[index] }
        return self.slots[index].candidates.first { $0.applies(to: consumer) }?.request
    }

    /// What applies after the request stages, when the client is known.
    func selection(for consumer: Consumer?) -> Selection {
        guard self.dependsOnConsumer, consumer != nil else { return self.fixed }
        return Selection(self.slots.compactMap { slot in slot.candidates.first { $0.applies(to: consumer) } })
    }
}
