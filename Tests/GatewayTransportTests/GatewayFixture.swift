import GatewayCore
import GatewayTestSupport
import GatewayTransport
import NIOCore
import NIOPosix
import Telemetry
import TelemetryTestSupport

/// A gateway on a loopback port with one event loop, and the records of its requests.
final class GatewayFixture {
    let engine: EngineFixture
    let port: Int
    let loop: DataLoop
    private let group: MultiThreadedEventLoopGroup
    private let listener: HTTPListener

    private init(engine: EngineFixture, loop: DataLoop, group: MultiThreadedEventLoopGroup, listener: HTTPListener) {
        self.engine = engine
        self.loop = loop
        self.group = group
        self.listener = listener
        self.port = listener.port
    }

    /// Runs a test against a gateway whose route `/` goes to a service.
    ///
    /// - Parameter service: the service as a YAML flow mapping without its routes.
    static func run(
        service: String, server: ServerOptions = ServerOptions(), upstream: UpstreamOptions = UpstreamOptions(), plugins: [PluginRegistration] = [], more: String = "",
        _ body: (GatewayFixture) async throws -> Void
    ) async throws {
        let engine = try EngineFixture(
            "services: [{name: origin, \(service), routes: [{name: all, paths: [/], strip_path: false}]}]\n\(more)", plugins: plugins)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = DataLoop(loop: group.next(), telemetry: engine.flow.makeLoop(identifiers: IdentifierGenerator(seed: 5)), upstream: upstream)
        loop.start()
        let listener = try await HTTPListener.bind(
            host: "127.0.0.1", port: 0, group: group, loops: [loop], handler: engine.engine, options: server, registry: engine.registry, connectionCount: ConnectionCount())
        let gateway = GatewayFixture(engine: engine, loop: loop, group: group, listener: listener)
        let result: Result<Void, any Error>
        do { result = .success(try await body(gateway)) } catch { result = .failure(error) }
        await gateway.stop()
        try result.get()
    }

    private func stop() async {
        await self.listener.close()
        self.loop.abort()
        try? await self.loop.stop().get()
        try? await self.group.shutdownGracefully()
    }

    func client() throws -> RawSocket { try RawSocket(port: self.port) }

    /// The records, once so many requests have ended.
    func requests(_ count: Int) async throws -> [RecordedRequest] {
        let limit = MonotonicClock.now() + 60_000_000_000
        while true {
            let requests = self.engine.requests
            if requests.count >= count { return requests }
            guard MonotonicClock.now() < limit else { break }
            // Polled, and not by yielding: all suites run at once, and this one would keep a core from them.
            try await Task.sleep(nanoseconds: 1_000_000)
        }
        throw RawSocket.Failure(what: "\(self.engine.requests.count) requests ended, not \(count)", code: 0)
    }

    /// Waits until a metric has a value.
    func wait(_ name: String, _ labels: [String: String] = [:], is value: Double) async throws {
        let limit = MonotonicClock.now() + 10_000_000_000
        while self.engine.registry.total(name, where: labels) != value {
            guard MonotonicClock.now() < limit else { throw RawSocket.Failure(what: "\(name) is \(self.engine.registry.total(name, where: labels)), not \(value)", code: 0) }
            await Task.yield()
        }
    }
}
