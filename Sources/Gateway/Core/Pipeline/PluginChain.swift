import Telemetry

/// The plugins of one route in order of priority; where a plugin is configured in several scopes, the most specific that applies.
final class PluginChain: Sendable {
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
        /// For the process's sampler, where no plugin has one of its own.
        let parentRule: Sampler.ParentRule?
        let propagation: TracePropagation?
        /// What clients of a model speak; nil: the route has none.
        let clientFormat: ModelFormat?
        /// Whether a stage looks into the content of responses.
        let readsContent: Bool
        /// Whether it is what applies to a client that is not known; on a route without plugins of single consumers that is everybody's.
        let isFixed: Bool

        init(_ instances: [PluginInstance], isFixed: Bool) {
            self.isFixed = isFixed
            self.request = instances.compactMap(\.request)
            self.attempt = instances.compactMap(\.attempt)
            self.response = instances.compactMap(\.response)
            self.stream = instances.compactMap(\.stream)
            self.sinks = instances.flatMap(\.sinks)
            self.sampler = instances.compactMap(\.sampler).last
            self.parentRule = instances.compactMap(\.parentRule).last
            self.propagation = instances.compactMap(\.propagation).last
            self.clientFormat = instances.lazy.compactMap(\.clientFormat).last
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
        self.fixed = Selection(ordered.compactMap { slot in slot.candidates.first { $0.applies(to: nil) } }, isFixed: true)
    }

    /// Plugins by priority, rearranged as far as Kong's `ordering` wants it: one that is to run before another moves up to it, one that is to run after another
    /// moves down behind it, the rest stay (https://developer.konghq.com/gateway/entities/plugin/#dynamic-plugin-ordering).
    private static func rearranged(_ slots: [Slot]) -> (slots: [Slot], isCircular: Bool) {
        var result = slots
        let moves = slots.flatMap(\.candidates).filter { !$0.runsBefore.isEmpty || !$0.runsAfter.isEmpty }
        func place(_ name: String) -> Int? { result.firstIndex { $0.candidates[0].name == name } }
        // Wishes that can all be met are met after as many rounds as there are plugins.
        for _ in 0...slots.count {
            var hasMoved = false
            for instance in moves {
                guard var own = place(instance.name) else { continue }
                if let first = instance.runsBefore.compactMap({ place($0) }).min(), first < own {
                    result.insert(result.remove(at: own), at: first)
                    own = first
                    hasMoved = true
                }
                if let last = instance.runsAfter.compactMap({ place($0) }).max(), last > own {
                    result.insert(result.remove(at: own), at: last)
                    hasMoved = true
                }
            }
            if !hasMoved { return (result, false) }
        }
        return (slots, true)
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
        return Selection(self.slots.compactMap { slot in slot.candidates.first { $0.applies(to: consumer) } }, isFixed: false)
    }
}
