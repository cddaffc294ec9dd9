import Synchronization
public import Telemetry

/// Shows the counts of consumers as metrics, summed over consumers of one name (several `file-log` sinks are one series).
///
/// A consumer that is removed keeps what it delivered: the totals never fall.
public final class ConsumerMetrics: Sendable {
    private struct Group {
        var live: [any EvidenceConsumer] = []
        var past = DeliveryCounts()
    }

    private let registry: MetricRegistry
    private let groups = Mutex<[String: Group]>([:])

    public init(registry: MetricRegistry) { self.registry = registry }

    /// Begins to show a consumer: `pellucid.telemetry.delivered`, `…queued` and `…sampled_out`. What it drops it counts itself.
    public func add(_ consumer: any EvidenceConsumer) {
        let name = "\(consumer.name)"
        let isFirst = self.groups.withLock { groups in
            let isFirst = groups[name] == nil
            groups[name, default: Group()].live.append(consumer)
            return isFirst
        }
        guard isFirst else { return }
        self.registry.observe(Instruments.consumerDelivered, [name]) { [weak self] in Double(self?.total(name).delivered ?? 0) }
        self.registry.observe(Instruments.consumerQueued, [name]) { [weak self] in Double(self?.total(name).queued ?? 0) }
        self.registry.observe(Instruments.consumerSampledOut, [name]) { [weak self] in Double(self?.total(name).sampledOut ?? 0) }
    }

    /// Call after the consumer was shut down.
    public func remove(_ consumer: any EvidenceConsumer) {
        let counts = consumer.counts()
        self.groups.withLock { groups in
            let name = "\(consumer.name)"
            guard let index = groups[name]?.live.firstIndex(where: { $0 === consumer }) else { return }
            groups[name]?.live.remove(at: index)
            groups[name]?.past.add(counts)
        }
    }

    /// Sum over all consumers of a name, past and present.
    public func total(_ name: String) -> DeliveryCounts {
        guard let group = self.groups.withLock({ $0[name] }) else { return DeliveryCounts() }
        return group.live.reduce(into: group.past) { $0.add($1.counts()) }
    }
}

extension DeliveryCounts {
    mutating func add(_ other: DeliveryCounts) {
        self.offered += other.offered
        self.delivered += other.delivered
        self.queued += other.queued
        self.sampledOut += other.sampledOut
        self.dropped += other.dropped
    }
}
