#if canImport(Glibc)
    import Glibc
#endif
import ArgumentParser
import GatewayCore
import GatewayTransport
import NIOPosix
import Telemetry

/// `pellucid demo`: the gateway with a provider inside, to try everything without a key or a network.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "demo", abstract: "Try the gateway with a simulated provider: no key, no network.")

    @OptionGroup var listeners: ListenerOptions

    @Option(help: "Serve the simulated provider alone, at this address: what other gateways, load tests and stacks of containers are tried with.", transform: DemoCommand.address)
    var providerListen: ListenAddress?

    private static func address(_ text: String) throws -> ListenAddress {
        guard let address = try ListenAddress.parse(text) else { throw ValidationError("\(text) is no address") }
        return address
    }

    private static let key = "demo-key"

    mutating func run() async throws {
        if let address = self.providerListen { return try await DemoCommand.serveProvider(at: address) }
        let environment = ProcessEnvironment.current
        var options = try self.listeners.resolved(environment, proxyDefault: "127.0.0.1:8000")
        for address in options.proxy where !address.isLoopback {
            throw ValidationError("the demo serves the loopback address only, not \(address.text)")
        }
        let provider = try await DemoCommand.startProvider(at: ListenAddress(host: "127.0.0.1", port: 0))
        options.source = .text(DemoCommand.configuration(providerPort: provider.port), name: "demo")
        options.greeting = { proxy, status in DemoCommand.greeting(proxy, status) }
        try await GatewayProcess(options: options, environment: environment).run()
        await provider.close()
    }

    /// Serves the provider until a signal ends it.
    private static func serveProvider(at address: ListenAddress) async throws {
        let signals = SignalStream()
        let provider = try await self.startProvider(at: address)
        print("The simulated provider serves OpenAI's format at http://\(ListenAddress(host: address.host, port: provider.port).text)/v1/chat/completions")
        fflush(nil)
        for await event in signals.events where event == .stop { break }
        await provider.close()
    }

    private static func startProvider(at address: ListenAddress) async throws -> HTTPListener {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let registry = MetricRegistry()
        let flow = EvidenceFlow(registry: registry, ringCapacity: 64)
        let loop = DataLoop(loop: group.next(), telemetry: flow.makeLoop(), upstream: UpstreamOptions())
        loop.start()
        return try await HTTPListener.bind(
            host: address.host, port: address.port, group: group, loops: [loop], handler: DemoProvider(), options: ServerOptions(), registry: registry, connectionCount: ConnectionCount())
    }

    private static func configuration(providerPort: Int) -> String {
        func route(_ name: String, _ path: String, _ type: String) -> String {
            """
              - name: \(name)
                paths: [\(path)]
                protocols: [http]
                plugins:
                  - name: key-auth
                    config: {key_names: [apikey, Authorization]}
                  - name: ai-proxy
                    config:
                      route_type: \(type)
                      auth: {header_name: Authorization, header_value: Bearer simulated}
                      logging: {log_statistics: true}
                      model:
                        provider: openai
                        options:
                          upstream_url: http://127.0.0.1:\(providerPort)\(path)
                          input_cost: 0.5
                          output_cost: 1.5

            """
        }
        return """
            _format_version: "3.0"
            consumers:
              - username: you
                keyauth_credentials: [{key: \(self.key)}, {key: Bearer \(self.key)}]
            plugins:
              - name: prometheus
                config: {status_code_metrics: true, latency_metrics: true, ai_metrics: true}
            routes:

            """ + route("chat", "/v1/chat/completions", "llm/v1/chat") + route("completions", "/v1/completions", "llm/v1/completions")
            + route("embeddings", "/v1/embeddings", "llm/v1/embeddings")
    }

    private static func greeting(_ proxy: String, _ status: String?) -> String {
        """

        Pellucid is serving a simulated provider. Try:

          curl http://\(proxy)/v1/chat/completions -H 'apikey: \(self.key)' -H 'content-type: application/json' \\
            -d '{"model": "demo-fast", "messages": [{"role": "user", "content": "Hello"}]}'

          A stream:     add "stream": true; model demo-slow takes its time, demo-100 gives 100 tokens a second
          An error:     model demo-error-429; without the apikey header: 401
          OpenAI SDK:   base_url="http://\(proxy)/v1", api_key="\(self.key)"
        \(status.map { "  Metrics:      curl http://\($0)/metrics" } ?? "")
          Traces:       set OTEL_EXPORTER_OTLP_ENDPOINT before starting
          Audit log:    audit.jsonl in the state directory; tail -f it while you send requests

        Stop with Ctrl-C.

        """
    }
}
