import GatewayCore
import Synchronization

/// Active health checks: asks every target of a balancer at a fixed interval, whatever requests say about it.
///
/// Any answer below 500 is a sign of life: a provider's base path says 404 or 401 to a stranger. A target that gives none gets no requests until it does.
enum HealthChecks {
    /// Runs until nobody uses the balancer any more; on no event loop.
    static func start(_ balancer: Balancer, _ caller: any HTTPCaller) {
        let interval = balancer.settings.healthInterval
        let timeout = Int(clamping: max(1, balancer.settings.healthTimeout / 1_000_000))
        Task.detached { [weak balancer] in
            while !Task.isCancelled {
                guard let probes = balancer?.probes else { return }
                await withTaskGroup(of: Void.self) { group in
                    for probe in probes {
                        group.addTask { await HealthChecks.check(probe, caller, timeoutMilliseconds: timeout) }
                    }
                }
                // Never cancelled: the balancer's end is seen above.
                try? await Task.sleep(nanoseconds: interval)
            }
        }
    }

    private static func check(_ probe: Balancer.Probe, _ caller: any HTTPCaller, timeoutMilliseconds: Int) async {
        var call = HTTPCall(method: "GET", url: probe.url, connectTimeoutMilliseconds: timeoutMilliseconds, totalTimeoutMilliseconds: timeoutMilliseconds)
        call.maximumResponseBytes = 1 << 20
        call.tls.verifiesPeer = probe.verifiesTLS
        let isAlive: Bool
        do throws(HTTPCallFailure) { isAlive = try await caller.exchange(call).status < 500 } catch { isAlive = error.code == .responseTooLarge || error.code == .shutDown }
        probe.cells.isDown.store(!isAlive, ordering: .relaxed)
    }
}
