public import GatewayCore
import GatewayWire
import NIOCore
import Synchronization
import Telemetry

/// Asks targets how they are, as the active health checks of their upstreams say. Works on one loop, beside those that serve.
public final class UpstreamProber: Sendable {
    private let loop: DataLoop
    private let tasks = Mutex<[Task<Void, Never>]>([])

    public init(loop: DataLoop) { self.loop = loop }

    /// Replaces what is watched.
    public func watch(_ groups: [UpstreamGroup]) {
        let tasks = groups.flatMap { group -> [Task<Void, Never>] in
            let checks = group.entity.healthChecks.active
            return [(checks.healthy.intervalSeconds, true), (checks.unhealthy.intervalSeconds, false)].filter { $0.0 > 0 }.map { interval, isHealthy in
                Task.detached { [self] in await self.run(group, interval: interval, isHealthy: isHealthy) }
            }
        }
        let previous = self.tasks.withLock { known in
            defer { known = tasks }
            return known
        }
        for task in previous { task.cancel() }
    }

    public func stop() { self.watch([]) }

    private func run(_ group: UpstreamGroup, interval: Double, isHealthy: Bool) async {
        while !Task.isCancelled {
            let targets = group.targets.filter { $0.health.isHealthy == isHealthy }
            let checks = group.entity.healthChecks.active
            await withTaskGroup(of: Void.self) { tasks in
                for (index, target) in targets.enumerated() {
                    if index >= checks.concurrency { _ = await tasks.next() }
                    tasks.addTask { [self] in
                        let observation = await self.loop.probe(target.endpoint, checks)
                        target.health.observe(observation, healthy: checks.healthy, unhealthy: checks.unhealthy, kind: checks.kind, source: "active")
                    }
                }
            }
            // Cancelled: the loop's condition ends it.
            try? await Task.sleep(for: .seconds(interval))
        }
    }
}

extension DataLoop {
    /// One probe of a target. Any thread.
    func probe(_ endpoint: UpstreamEndpoint, _ checks: UpstreamHealthChecks.Active) async -> TargetHealth.Observation {
        await withUnsafeContinuation { continuation in
            self.loop.execute {
                Task(executorPreference: self.executor) { continuation.resume(returning: await self.ask(endpoint, checks)) }
            }
        }
    }

    private func ask(_ endpoint: UpstreamEndpoint, _ checks: UpstreamHealthChecks.Active) async -> TargetHealth.Observation {
        let time = UInt64(max(0.001, checks.timeoutSeconds) * 1e9)
        do throws(UpstreamFailure) {
            if checks.kind == .tcp {
                try await self.pool.reach(endpoint, timeout: time)
                return .connected
            }
            let isTLS = checks.kind == .https
            let asked = UpstreamEndpoint(
                host: endpoint.host, port: endpoint.port, isTLS: isTLS, serverName: checks.serverName ?? endpoint.serverName, verifiesCertificate: checks.verifiesCertificate,
                tls: endpoint.tls, proxy: endpoint.proxy)
            var fields = HTTPFields()
            for (name, values) in checks.headers.sorted(by: { $0.key < $1.key }) { for value in values { _ = fields.append(name: name, value) } }
            let request = UpstreamRequest(
                endpoint: asked, method: .get, target: ByteBuffer(string: checks.httpPath), fields: fields, host: checks.serverName ?? asked.authority, body: .none,
                timeouts: UpstreamTimeouts(connect: time, send: time, read: time))
            let exchange = try await self.pool.send(request)
            defer { exchange.cancel() }
            return .status(try await exchange.readHead().status)
        } catch {
            switch error {
            case .connectTimeout, .readTimeout, .sendTimeout: return .timeout
            default: return .tcpFailure
            }
        }
    }
}
