import GatewayCore
import Synchronization
import Telemetry

/// The health of the active configuration's targets as gauges: our own, and Kong's where a `prometheus` plugin has `upstream_health_metrics`.
final class TargetHealthGauges: Sendable {
    private let registry: MetricRegistry
    /// What is shown now, by instrument.
    private let shown = Mutex<(own: Set<[String]>, kong: Set<[String]>)>(([], []))
    private static let states = ["healthchecks_off", "healthy", "unhealthy", "dns_error"]

    init(registry: MetricRegistry) { self.registry = registry }

    /// Shows the targets of a configuration, and no others any more.
    func show(_ snapshot: GatewaySnapshot) {
        let showsKong = snapshot.sinks.contains { ($0 as? KongMetrics)?.showsUpstreamHealth == true }
        self.shown.withLock { shown in
            let previous = shown
            shown = ([], [])
            for group in snapshot.groups {
                for target in group.targets {
                    shown.own.insert(self.showOwn(group, target))
                    if showsKong { shown.kong.formUnion(self.showKong(group, target)) }
                }
            }
            for values in previous.own.subtracting(shown.own) {
                self.registry.stopObserving(Instruments.targetHealthy, values)
                self.registry.stopObserving(Instruments.targetInFlight, values)
            }
            for values in previous.kong.subtracting(shown.kong) { self.registry.stopObserving(Instruments.kongTargetHealth, values) }
        }
    }

    private static func name(_ target: UpstreamGroup.Target) -> String {
        target.endpoint.host.contains(":") ? "[\(target.endpoint.host)]:\(target.endpoint.port)" : "\(target.endpoint.host):\(target.endpoint.port)"
    }

    private func showOwn(_ group: UpstreamGroup, _ target: UpstreamGroup.Target) -> [String] {
        let (values, health) = ([group.entity.name, Self.name(target)], target.health)
        self.registry.observe(Instruments.targetHealthy, values) { health.isHealthy ? 1 : 0 }
        self.registry.observe(Instruments.targetInFlight, values) { Double(health.attemptsInFlight) }
        return values
    }

    /// kong/plugins/prometheus/exporter.lua: one series a state. `dns_error` is always 0 here: a name that does not resolve is a failed attempt, which passive checks count.
    private func showKong(_ group: UpstreamGroup, _ target: UpstreamGroup.Target) -> [[String]] {
        let (name, health, isChecked) = (Self.name(target), target.health, group.entity.healthChecks.isOn)
        let address = UpstreamEndpoint.isNumeric(target.endpoint.host) ? name : ""
        return Self.states.map { state in
            let values = [group.entity.name, name, address, state, "http"]
            self.registry.observe(Instruments.kongTargetHealth, values) {
                let current = !isChecked ? "healthchecks_off" : health.isHealthy ? "healthy" : "unhealthy"
                return state == current ? 1 : 0
            }
            return values
        }
    }
}
