import COTLP
import Telemetry
import Testing

@testable import Exporters

@Suite struct OTLPSignalTests {
    /// Whether libprotobuf-c reads the bytes and packs the same ones again.
    private func isCanonicalMetrics(_ body: [UInt8]) -> Bool {
        guard let message = body.withUnsafeBufferPointer({ otlp__export_metrics_service_request__unpack(nil, $0.count, $0.baseAddress) }) else { return false }
        defer { otlp__export_metrics_service_request__free_unpacked(message, nil) }
        var packed = [UInt8](repeating: 0, count: otlp__export_metrics_service_request__get_packed_size(message))
        _ = otlp__export_metrics_service_request__pack(message, &packed)
        return packed == body
    }

    private func isCanonicalLogs(_ body: [UInt8]) -> Bool {
        guard let message = body.withUnsafeBufferPointer({ otlp__export_logs_service_request__unpack(nil, $0.count, $0.baseAddress) }) else { return false }
        defer { otlp__export_logs_service_request__free_unpacked(message, nil) }
        var packed = [UInt8](repeating: 0, count: otlp__export_logs_service_request__get_packed_size(message))
        _ = otlp__export_logs_service_request__pack(message, &packed)
        return packed == body
    }

    @Test func `metrics are the bytes that libprotobuf-c packs`() {
        let registry = MetricRegistry()
        let flow = EvidenceFlow(registry: registry, ringCapacity: 64)
        let loop = flow.makeLoop()
        for _ in 0..<3 { loop.begin(parent: nil, isSampled: true).finish(.passed) }
        registry.observe(Instruments.requestsInFlight) { 2.5 }
        let encoder = OTLPMetricEncoder(start: 17)
        var out = ByteWriter()
        let families = registry.snapshot()
        for family in families { encoder.encode(family.instrument, family.points[...], now: 99, into: &out) }
        #expect(families.count >= 3)
        #expect(self.isCanonicalMetrics(OTLPEnvelope(options: OTLPOptions()).wrap(out.bytes)))
    }

    @Test func `log records are the bytes that libprotobuf-c packs`() {
        let kept = Sink()
        let registry = MetricRegistry()
        let flow = EvidenceFlow(registry: registry, ringCapacity: 64)
        flow.addGlobal(kept)
        let loop = flow.makeLoop()
        loop.begin(parent: nil, isSampled: true).finish(.passed)
        loop.begin(parent: nil, isSampled: false).finish(.failed)
        flow.drainOnce()
        #expect(kept.bodies.count == 2)
        for body in kept.bodies { #expect(self.isCanonicalLogs(body)) }
    }

    private final class Sink: EvidenceConsumer, @unchecked Sendable {
        // Unchecked: the test has one thread.
        let name: StaticString = "kept"
        var bodies: [[UInt8]] = []
        private let lines = AuditLineCache()

        func consume(_ evidence: RequestEvidence) {
            var out = ByteWriter()
            OTLPLogEncoder().encode(evidence, line: self.lines.line(for: evidence), now: 5, into: &out)
            self.bodies.append(OTLPEnvelope(options: OTLPOptions()).wrap(out.bytes))
        }
        func tick(now: UInt64) {}
        func counts() -> DeliveryCounts { DeliveryCounts() }
        func shutdown(deadline: UInt64) {}
    }

    @Test func `each signal has its own variables and logs are wished for expressly`() {
        let general = ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318"]
        #expect(OTLPOptions.fromEnvironment(general, signal: .metrics).options?.endpoint == "http://c:4318/v1/metrics")
        #expect(OTLPOptions.fromEnvironment(general, signal: .metrics).isRequested)
        #expect(!OTLPOptions.fromEnvironment(general, signal: .logs).isRequested)
        let logs = OTLPOptions.fromEnvironment(["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://l/x", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"], signal: .logs)
        #expect(logs.isRequested && logs.options?.endpoint == "http://l/x" && logs.options?.isCompressed == true)
        #expect(OTLPOptions.fromEnvironment(general.merging(["OTEL_METRICS_EXPORTER": "none"]) { $1 }, signal: .metrics).options == nil)
    }

    @Test func `the downward API and the control group name pod and container`() {
        let id = String(repeating: "ab", count: 32)
        let environment = ["KUBERNETES_SERVICE_HOST": "10.0.0.1", "POD_NAME": "gw-1", "NODE_NAME": "n7"]
        let detected = ResourceDetector(environment: environment) { path in
            switch path {
            case "/proc/self/cgroup": "0::/kubepods/besteffort/pod1/\(id)\n"
            case "/var/run/secrets/kubernetes.io/serviceaccount/namespace": "prod\n"
            default: nil
            }
        }.detect()
        let values = Dictionary(detected.map { ($0.name, $0.value) }, uniquingKeysWith: { a, _ in a })
        #expect(values["container.id"] == id && values["k8s.pod.name"] == "gw-1" && values["k8s.node.name"] == "n7" && values["k8s.namespace.name"] == "prod")
        #expect(ResourceDetector(environment: [:]) { _ in nil }.detect().allSatisfy { !$0.name.hasPrefix("k8s.") && $0.name != "container.id" })
    }
}
