package import GatewayCore
import Synchronization
package import Telemetry
package import TelemetryTestSupport

/// Sinks that keep what they get; equal settings give the same one, as in the gateway.
package final class FakeSinks: SinkDirectory {
    private let sinks = Mutex<[String: KeepingConsumer]>([:])

    package init() {}

    package func sink(_ name: String) -> KeepingConsumer? { self.sinks.withLock { $0[name] } }
    package var names: [String] { self.sinks.withLock { $0.keys.sorted() } }

    package func fileLog(path: String, reopen: Bool) -> any EvidenceConsumer { self.make("file \(path)") }
    package func traces(_ settings: TraceSinkSettings) -> any EvidenceConsumer { self.make("traces \(settings.endpoint)") }
    package func sink(_ settings: SinkSettings) -> any EvidenceConsumer { self.make("\(settings)") }
    package func kongMetrics(_ selection: KongMetricsSelection) -> any EvidenceConsumer { self.make("kong \(selection.statusCodes)") }

    private func make(_ name: String) -> KeepingConsumer {
        self.sinks.withLock { sinks in
            if let known = sinks[name] { return known }
            let sink = KeepingConsumer()
            sinks[name] = sink
            return sink
        }
    }
}

/// A list of models, and what was asked for.
package final class FakeModels: ModelListing {
    private struct State {
        var models: [String: [String]] = [:]
        var asked: [(url: String, authorization: String)] = []
        var failure: PluginFailure?
        var adapters: [String: any ProviderAdapter] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    package func set(_ models: [String], url: String) { self.state.withLock { $0.models[url] = models } }
    package func fail(_ failure: PluginFailure) { self.state.withLock { $0.failure = failure } }
    package func add(_ adapter: any ProviderAdapter, name: String) { self.state.withLock { $0.adapters[name] = adapter } }
    package var asked: [(url: String, authorization: String)] { self.state.withLock { $0.asked } }

    package func models(url: String, authorization: String) async throws(PluginFailure) -> [String] {
        let (models, failure) = self.state.withLock { state in
            state.asked.append((url, authorization))
            return (state.models[url] ?? [], state.failure)
        }
        if let failure { throw failure }
        return models
    }

    package func adapter(_ name: String) -> (any ProviderAdapter)? { self.state.withLock { $0.adapters[name] } }
}

/// A hash of secrets that needs no library: four FNV-1a sums (http://www.isthe.com/chongo/tech/comp/fnv/).
package enum FakeHash {
    @Sendable package static func digest(_ secret: UnsafeRawBufferPointer) -> SecretDigest {
        func sum(_ salt: UInt64) -> UInt64 {
            secret.reduce(0xcbf2_9ce4_8422_2325 ^ salt) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        }
        return SecretDigest((sum(0), sum(1), sum(2), sum(3)))
    }
}
