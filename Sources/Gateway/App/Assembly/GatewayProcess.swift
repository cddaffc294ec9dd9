import ArgumentParser
import Exporters
import GatewayAdmin
import GatewayCore
import GatewayTransport
import NIOCore
import NIOPosix
import SideClient
import Synchronization
import Telemetry

/// The running gateway: assembles the parts, serves, reloads, and stops in order.
final class GatewayProcess: Sendable {
    private let options: ProcessOptions
    private let environment: [String: String]
    private let registry = MetricRegistry()
    private let flow: EvidenceFlow
    /// What exporters send with.
    private let client = SideClient()
    /// What stages ask outside services with.
    private let calls = SideClient(options: OutsideCalls.clientOptions)
    private let runner: ExportRunner
    private let sinks: SinkStore
    private let consumers: ConsumerMetrics
    private let assembly: ConfigurationAssembly
    private let telemetry: TelemetryAssembly
    private let isReady = Atomic<Bool>(false)
    /// What listeners with TLS show; nil where there is none.
    private let tls = Mutex<ServerTLS?>(nil)
    /// Held while a configuration is loaded, so that sinks are not retired while one is about to use them.
    private let loading = Mutex<SinkRetirement>(SinkRetirement())
    /// Active health checks, once it serves.
    private let prober = Mutex<UpstreamProber?>(nil)
    private let health: TargetHealthGauges
    private let log = DiagnosticLog.shared

    init(options: ProcessOptions, environment: [String: String]) {
        self.options = options
        self.environment = environment
        self.flow = EvidenceFlow(registry: self.registry)
        self.health = TargetHealthGauges(registry: self.registry)
        self.consumers = ConsumerMetrics(registry: self.registry)
        self.runner = ExportRunner(client: self.client, registry: self.registry)
        self.telemetry = TelemetryAssembly(
            environment: environment, stateDirectory: options.stateDirectory, flow: self.flow, runner: self.runner, consumers: self.consumers)
        self.sinks = SinkStore(
            flow: self.flow, runner: self.runner, consumers: self.consumers, telemetry: self.telemetry, syslogPath: environment["PELLUCID_SYSLOG_SOCKET"] ?? "/dev/log")
        self.assembly = ConfigurationAssembly(
            environment: environment, options: options.loading, sinks: self.sinks, http: OutsideCalls(client: self.calls, environment: environment), registry: self.registry)
    }

    func run() async throws {
        let signals = SignalStream()
        // Before the file is read: a change while the rest starts has to be seen as one.
        let stamp = self.fileStamp
        let (store, certificates) = try self.begin()
        let settings = store.active.settings
        self.log.configure(settings.diagnosticLog, environment: self.environment)
        self.registry.setSeriesBudget(settings.seriesBudget)
        NativeHistograms.isEnabled = settings.keepsNativeHistograms
        self.telemetry.open(settings: settings, configurationHash: store.active.hash)
        self.assembly.setSpans(self.telemetry.librarySpans)
        self.telemetry.apply(settings)
        self.flow.start()
        self.registerGauges(store)

        let workers = self.options.workers ?? System.coreCount
        let upstream = try UpstreamOptions(environment: self.environment, limits: settings.limits, loops: workers, registry: self.registry)
        defer { upstream.resolver?.shutdown() }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: workers)
        let loops = self.makeLoops(group, upstream)
        let side = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let sideLoops = self.makeLoops(side, upstream)
        let listeners: Listeners
        do {
            listeners = try await self.listen(store, certificates, group: group, loops: loops, side: side, sideLoops: sideLoops)
        } catch {
            self.flow.shutdown(deadline: MonotonicClock.now() &+ 1_000_000_000)
            throw error
        }
        self.isReady.store(true, ordering: .releasing)
        let prober = sideLoops.first.map { UpstreamProber(loop: $0) }
        prober?.watch(store.active.groups)
        self.health.show(store.active)
        self.prober.withLock { $0 = prober }
        let watch = self.watch(store, since: stamp)
        let retirement = self.retireSinks(store)
        await self.serve(signals, store)
        watch.cancel()
        retirement.cancel()
        prober?.stop()
        self.isReady.store(false, ordering: .releasing)
        await self.stop(listeners, loops: loops, settings: store.active.settings, signals: signals)
        try await group.shutdownGracefully()
        try await side.shutdownGracefully()
        // Channels that close only now still refer to the pools of their loops.
        withExtendedLifetime((loops, sideLoops)) {}
    }

    // MARK: Start

    /// The first configuration. Only the store holds on to it: one that was replaced is done with when nobody does.
    private func begin() throws -> (SnapshotStore, CertificateAssembly.Made) {
        let built = try self.firstConfiguration()
        return (SnapshotStore(self.telemetry.sampled(built.snapshot)), built.certificates)
    }

    private func firstConfiguration() throws -> ConfigurationAssembly.Built {
        do throws(ConfigurationError) {
            let loaded = try self.assembly.load(self.options.source)
            for warning in loaded.warnings { self.log.warning(Problem.line(warning, file: self.options.source.name)) }
            let built = try self.assembly.build(loaded)
            self.registry.add(Instruments.configReloads, ["success"])
            return built
        } catch {
            for issue in error.issues { StandardError.print(Problem.line(issue, file: self.options.source.name)) }
            throw ExitCode(1)
        }
    }

    private func makeLoops(_ group: MultiThreadedEventLoopGroup, _ upstream: UpstreamOptions) -> [DataLoop] {
        var loops: [DataLoop] = []
        for loop in group.makeIterator() {
            let data = DataLoop(loop: loop, telemetry: self.flow.makeLoop(), upstream: upstream)
            data.start()
            loops.append(data)
        }
        return loops
    }

    private struct Listeners {
        var proxy: [HTTPListener] = []
        var side: [HTTPListener] = []
    }

    private func listen(
        _ store: SnapshotStore, _ certificates: CertificateAssembly.Made, group: MultiThreadedEventLoopGroup, loops: [DataLoop], side: MultiThreadedEventLoopGroup,
        sideLoops: [DataLoop]
    ) async throws -> Listeners {
        let server = try ServerOptions(store.active.settings, environment: self.environment)
        self.checkDescriptors(server.maximumConnections)
        let proxy = self.proxyAddresses(certificates)
        try self.prepareTLS(certificates, for: proxy + [self.options.status, self.options.admin].compactMap { $0 })
        let tls = self.tls.withLock { $0 }
        var listeners = Listeners()
        func bind(_ address: ListenAddress, _ name: String, _ group: MultiThreadedEventLoopGroup, _ service: HTTPListener.Service) async throws -> HTTPListener {
            do {
                let listener = try await HTTPListener.bind(host: address.host, port: address.port, group: group, service: service, listener: address.options)
                let bound = ListenAddress(host: address.host, port: listener.port).text
                if address.kind.isEmpty { self.log.notice("listening", ("for", name), ("address", bound)) } else {
                    self.log.notice("listening", ("for", name), ("address", bound), ("with", address.kind))
                }
                return listener
            } catch {
                StandardError.print("cannot listen on \(address.text) (\(name)): \(error)")
                throw ExitCode(1)
            }
        }
        // Where one sees how it goes comes first, so that a scrape can tell "starting" from "absent".
        for (address, name) in [(self.options.status, "status"), (self.options.admin, "admin")] {
            let status = HTTPListener.Service(
                loops: sideLoops, handler: StatusHandler(source: self.statusSource(store, inspects: name == "admin")), options: server, registry: self.registry,
                count: ConnectionCount(), tls: tls)
            if let address { listeners.side.append(try await bind(address, name, side, status)) }
        }
        let engine = HTTPListener.Service(
            loops: loops, handler: RequestEngine(snapshots: store), options: server, registry: self.registry, count: ConnectionCount(), tls: tls)
        for address in proxy { listeners.proxy.append(try await bind(address, "proxy", group, engine)) }
        if let first = listeners.proxy.first, let address = proxy.first {
            let proxy = ListenAddress(host: address.host == "0.0.0.0" ? "127.0.0.1" : address.host, port: first.port).text
            let status = self.options.status.flatMap { address in listeners.side.first.map { ListenAddress(host: address.host, port: $0.port).text } }
            if let text = self.options.greeting(proxy, status) { StandardError.print(text) }
        }
        return listeners
    }

    /// The addresses for clients; Kong's second default joins the first where there is a certificate to show.
    private func proxyAddresses(_ certificates: CertificateAssembly.Made) -> [ListenAddress] {
        guard case .file = self.options.source, !self.options.hasExplicitProxyAddress, !certificates.isEmpty || self.assembly.certificates.hasDefault else {
            return self.options.proxy
        }
        var options = ListenOptions()
        options.isTLS = true
        options.allowsHTTP2 = true
        return self.options.proxy + [ListenAddress(host: "0.0.0.0", port: 8443, options: options)]
    }

    private func prepareTLS(_ certificates: CertificateAssembly.Made, for addresses: [ListenAddress]) throws {
        guard addresses.contains(where: \.options.isTLS) else { return }
        do throws(ConfigurationError) {
            let table = try self.assembly.certificates.table(certificates)
            self.tls.withLock { $0 = ServerTLS(table) }
        } catch {
            for issue in error.issues { StandardError.print(Problem.line(issue, file: self.options.source.name)) }
            throw ExitCode(1)
        }
    }

    private func checkDescriptors(_ connections: Int) {
        let limit = ProcessMetrics.raiseDescriptorLimit()
        // A client connection and its upstream connection take one each; files, listeners and exporters take a few.
        let needed = connections * 2 + 128
        if limit > 0, limit < needed {
            self.log.warning(
                "the descriptor limit is below what the configuration allows: connections will be refused before the limit of connections is reached",
                ("descriptor_limit", "\(limit)"), ("needed", "\(needed)"), ("connections", "\(connections)"))
        }
    }

    // MARK: Views of the process

    private func statusSource(_ store: SnapshotStore, inspects: Bool) -> StatusSource {
        let inspection = InspectionSource(
            explain: { [self] in self.telemetry.explain($0, store.active) }, cardinality: { [self] in Array(CardinalityPage.json(self.registry).utf8) },
            hostNames: { store.active.settings.admin.hostNames })
        return StatusSource(
            isReady: { [self] in self.isReady.load(ordering: .acquiring) },
            metrics: { [self] accept in
                let format = PrometheusFormat.negotiate(accept: accept)
                return ("\(format.contentType)", PrometheusRenderer.render(families: self.registry.snapshot(), format: format))
            },
            status: { [self] in
                "{\"configuration_hash\":\"\(store.active.hash)\",\"server\":{\"requests_in_flight\":\(self.flow.inFlight),\"total_requests\":\(self.flow.finished)}\(self.auditStatus),\"version\":\"\(GatewayIdentity.version)\"}"
            }, inspection: inspects ? inspection : nil)
    }

    /// The audit chain's head as a member of `/status`.
    private var auditStatus: String {
        guard let head = self.telemetry.auditHead else { return "" }
        return ",\"audit\":{\"seq\":\(head.seq),\"hash\":\"\(head.hash)\"}"
    }

    private func registerGauges(_ store: SnapshotStore) {
        let flow = self.flow
        self.registry.observe(Instruments.requestsUnaccounted) { Double(flow.unaccountedRequests()) }
        self.registry.observe(Instruments.requestsInFlight) { Double(flow.inFlight) }
        self.registry.observe(Instruments.evidenceRefused) { Double(flow.refused) }
        self.registry.observe(Instruments.buildInfo, [GatewayIdentity.version]) { 1 }
        self.registry.observe(Instruments.configInfo, [store.active.hash]) { 1 }
        ProcessMetrics.register(self.registry)
    }

    // MARK: Reload

    private func serve(_ signals: SignalStream, _ store: SnapshotStore) async {
        for await event in signals.events {
            switch event {
            case .reload:
                self.telemetry.reopenFiles()
                self.sinks.reopenFiles()
                self.reload(store)
            case .reopen:
                self.telemetry.reopenFiles()
                self.sinks.reopenFiles()
            case .stop: return
            }
        }
    }

    /// Replaces the configuration whole, or says what is wrong and changes nothing.
    private func reload(_ store: SnapshotStore) {
        guard case .file(let path) = self.options.source else { return }
        self.loading.withLock { self.load(path, store, &$0) }
    }

    private func load(_ path: String, _ store: SnapshotStore, _ retirement: inout SinkRetirement) {
        do throws(ConfigurationError) {
            let loaded = try self.assembly.load(self.options.source)
            for warning in loaded.warnings { self.log.warning(Problem.line(warning, file: path)) }
            let built = try self.assembly.build(loaded)
            let snapshot = built.snapshot
            if let tls = self.tls.withLock({ $0 }) { tls.swap(try self.assembly.certificates.table(built.certificates)) }
            let previous = store.swap(self.telemetry.sampled(snapshot))
            retirement.replaced(previous)
            self.telemetry.apply(snapshot.settings)
            self.telemetry.warnOfRestart(from: previous.settings, to: snapshot.settings)
            if previous.hash != snapshot.hash {
                self.registry.stopObserving(Instruments.configInfo, [previous.hash])
                self.registry.observe(Instruments.configInfo, [snapshot.hash]) { 1 }
            }
            self.log.configure(snapshot.settings.diagnosticLog, environment: self.environment)
            self.registry.add(Instruments.configReloads, ["success"])
            self.prober.withLock { $0 }?.watch(snapshot.groups)
            self.health.show(snapshot)
            self.log.notice("configuration reloaded", ("file", path), ("hash", snapshot.hash))
        } catch {
            self.registry.add(Instruments.configReloads, ["failure"])
            self.log.error("configuration not reloaded: the running one stays", ("file", path), ("problems", "\(error.issues.count)"))
            for issue in error.issues { self.log.error(Problem.line(issue, file: path)) }
        }
    }

    /// Every second: closes the sinks of configurations under which no request runs any more, unless the active one uses them.
    private func retireSinks(_ store: SnapshotStore) -> Task<Void, Never> {
        Task.detached { [self] in
            while !Task.isCancelled {
                // Cancelled: the loop's condition ends it.
                try? await Task.sleep(for: .seconds(1))
                await Blocking.run { [self] in
                    self.loading.withLock { retirement in
                        let idle = retirement.idle(of: self.sinks.all, besides: store.active.sinks)
                        if !idle.isEmpty { self.sinks.retire(idle) }
                    }
                }
            }
        }
    }

    /// Of the configuration's file as it is now; nil where there is none.
    private var fileStamp: [Int]? {
        if case .file(let path) = self.options.source { FileReader.stamp(path) } else { nil }
    }

    /// Reloads when the file, or one that holds secrets of it, was written or replaced, and has been still for one look.
    ///
    /// - Parameter stamp: of the file when it was last read, or before.
    private func watch(_ store: SnapshotStore, since stamp: [Int]?) -> Task<Void, Never> {
        guard case .file(let path) = self.options.source else { return Task {} }
        return Task.detached { [self] in
            var active = stamp
            var seen = active
            var seenSecrets: [String: [Int]?]?
            while !Task.isCancelled {
                // Cancelled: the loop's condition ends it.
                try? await Task.sleep(for: .milliseconds(500))
                let now = FileReader.stamp(path)
                let secrets = self.assembly.secretFiles.change
                if now != nil, now == seen, now != active || (secrets != nil && secrets == seenSecrets) {
                    active = now
                    self.reload(store)
                }
                seen = now
                seenSecrets = secrets
            }
        }
    }

    // MARK: Stop

    private func stop(_ listeners: Listeners, loops: [DataLoop], settings: PellucidSettings, signals: SignalStream) async {
        self.log.notice("stopping: no new connections", ("in_flight", "\(self.flow.inFlight)"), ("drain_seconds", "\(settings.drainSeconds)"))
        for listener in listeners.proxy { await listener.close() }
        for loop in loops { loop.drain() }
        let flag = HurryFlag()
        let events = signals.events
        let hurry = Task.detached {
            for await event in events {
                if case .stop = event { flag.raise() }
            }
        }
        let hasDrained = await self.drained(loops, seconds: settings.drainSeconds, flag)
        hurry.cancel()
        if !hasDrained { self.log.warning("the drain time is over: open exchanges are ended", ("in_flight", "\(self.flow.inFlight)")) }
        for loop in loops { loop.abort() }
        _ = await self.drained(loops, seconds: 1, HurryFlag())
        for loop in loops {
            // A loop that is gone has nothing to stop.
            try? await loop.stop().get()
        }
        let deadline = MonotonicClock.now() &+ UInt64(settings.telemetryFlushSeconds * 1e9)
        await Blocking.run { [self] in
            self.flow.shutdown(deadline: deadline)
            self.telemetry.shutdown(deadline: deadline)
            self.runner.shutdown(deadline: deadline)
        }
        for listener in listeners.side { await listener.close() }
        await Blocking.run { [self] in
            self.calls.shutdown(deadline: MonotonicClock.now())
            self.client.shutdown(deadline: MonotonicClock.now() &+ 500_000_000)
        }
        self.log.notice("stopped", ("requests", "\(self.flow.finished)"), ("unaccounted", "\(self.flow.unaccountedRequests())"))
    }

    private func drained(_ loops: [DataLoop], seconds: Double, _ flag: HurryFlag) async -> Bool {
        let deadline = MonotonicClock.now() &+ UInt64(seconds * 1e9)
        while MonotonicClock.now() < deadline, !flag.isRaised {
            var open = 0
            for loop in loops { open += (try? await loop.openConnections().get()) ?? 0 }
            if open == 0, self.flow.inFlight == 0 { return true }
            // The condition is another thread's count; asked again after a pause.
            try? await Task.sleep(for: .milliseconds(20))
        }
        return false
    }
}
