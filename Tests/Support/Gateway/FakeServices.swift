package import GatewayCore
import NIOCore
import Synchronization
package import Telemetry
package import TelemetryTestSupport

/// Sinks that keep what they get; equal settings give the same one, as in the gateway.
package final class FakeSinks: SinkDirectory {
    private let sinks = Mutex<[String: KeepingConsumer]>([:])
    private let asked = Mutex<[TraceSinkSettings]>([])

    package init() {}

    /// What exporters of traces were asked for, in order.
    package var traceSettings: [TraceSinkSettings] { self.asked.withLock { $0 } }

    package func sink(_ name: String) -> KeepingConsumer? { self.sinks.withLock { $0[name] } }
    package var names: [String] { self.sinks.withLock { $0.keys.sorted() } }

    package func edited(_ sink: any EvidenceConsumer, by editor: any LogLineEditor) -> any EvidenceConsumer { sink }
    package func fileLog(path: String, reopen: Bool) -> any EvidenceConsumer { self.make("file \(path)") }
    package func traces(_ settings: TraceSinkSettings) -> any EvidenceConsumer {
        self.asked.withLock { $0.append(settings) }
        return self.make("traces \(settings.endpoint)")
    }
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

/// Outside services in memory: scripted answers by URL, and what was asked for.
package final class FakeHTTP: HTTPCaller {
    package typealias Handler = @Sendable (HTTPCall) -> Result<HTTPAnswer, HTTPCallFailure>

    private struct State {
        var handlers: [(prefix: String, handler: Handler)] = []
        var calls: [HTTPCall] = []
    }

    private let state = Mutex(State())

    package init() {}

    /// Answers calls to URLs that begin with `prefix`; a later handler goes before an earlier one.
    package func on(_ prefix: String, _ handler: @escaping Handler) { self.state.withLock { $0.handlers.insert((prefix, handler), at: 0) } }

    package func on(_ prefix: String, status: Int = 200, json: String) {
        self.on(prefix) { _ in .success(HTTPAnswer(status: status, headers: [("content-type", "application/json")], body: ByteBuffer(string: json))) }
    }

    /// Every call, in order.
    package var calls: [HTTPCall] { self.state.withLock { $0.calls } }

    package func exchange(_ call: HTTPCall) async throws(HTTPCallFailure) -> HTTPAnswer {
        let handler = self.state.withLock { state in
            state.calls.append(call)
            return state.handlers.first { call.url.hasPrefix($0.prefix) }?.handler
        }
        guard let handler else { throw HTTPCallFailure(.connectFailed) }
        return try handler(call).get()
    }
}

extension HTTPCall {
    /// A field's value, for expectations.
    package func header(_ name: String) -> String? { self.headers.first { $0.name.lowercased() == name.lowercased() }?.value }
    package var text: String { String(buffer: self.body) }
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
