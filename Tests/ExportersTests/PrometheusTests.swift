import Foundation
import Telemetry
import Testing

@testable import Exporters

@Suite struct PrometheusTests {
    private static let duration = Instrument("app.wait", .histogram(bounds: [0.5, 2]), unit: "s", help: "Wait.", attributes: ["http.route"], source: "test")
    private static let requests = Instrument("app.requests", .counter, unit: "{request}", help: "Requests \\ \"all\".", attributes: ["kind", "empty"], source: "test")
    private static let info = Instrument("app.build.info", .observedGauge, unit: "1", help: "Build.", attributes: ["version"], source: "test")
    private static let memory = Instrument("app.memory", .upDownCounter, unit: "By", help: "Memory.", source: "test")

    private func families() -> [MetricFamily] {
        let registry = MetricRegistry()
        registry.record(Self.duration, ["/a"], 0.25)
        registry.record(Self.duration, ["/a"], 0.5)
        registry.record(Self.duration, ["/a"], 3)
        registry.add(Self.requests, ["b\"\n\\", ""], by: 2)
        registry.add(Self.requests, ["a", ""], by: 41)
        registry.observe(Self.info, ["1.0"]) { 1 }
        registry.add(Self.memory, [], by: -5)
        return registry.snapshot()
    }

    private func page(_ format: PrometheusFormat) -> String {
        String(decoding: PrometheusRenderer.render(families: self.families(), format: format), as: UTF8.self)
    }

    @Test func `the text format is exact`() {
        #expect(
            self.page(.text) == #"""
                # HELP app_build_info Build.
                # TYPE app_build_info gauge
                app_build_info{version="1.0"} 1
                # HELP app_memory_bytes Memory.
                # TYPE app_memory_bytes gauge
                app_memory_bytes -5
                # HELP app_requests_total Requests \\ "all".
                # TYPE app_requests_total counter
                app_requests_total{kind="a"} 41
                app_requests_total{kind="b\"\n\\"} 2
                # HELP app_wait_seconds Wait.
                # TYPE app_wait_seconds histogram
                app_wait_seconds_bucket{http_route="/a",le="0.5"} 2
                app_wait_seconds_bucket{http_route="/a",le="2"} 2
                app_wait_seconds_bucket{http_route="/a",le="+Inf"} 3
                app_wait_seconds_sum{http_route="/a"} 3.75
                app_wait_seconds_count{http_route="/a"} 3

                """#)
    }

    @Test func `OpenMetrics is exact`() {
        #expect(
            self.page(.openMetrics) == #"""
                # HELP app_build Build.
                # TYPE app_build info
                app_build_info{version="1.0"} 1
                # HELP app_memory_bytes Memory.
                # TYPE app_memory_bytes gauge
                # UNIT app_memory_bytes bytes
                app_memory_bytes -5
                # HELP app_requests Requests \\ \"all\".
                # TYPE app_requests counter
                app_requests_total{kind="a"} 41
                app_requests_total{kind="b\"\n\\"} 2
                # HELP app_wait_seconds Wait.
                # TYPE app_wait_seconds histogram
                # UNIT app_wait_seconds seconds
                app_wait_seconds_bucket{http_route="/a",le="0.5"} 2
                app_wait_seconds_bucket{http_route="/a",le="2.0"} 2
                app_wait_seconds_bucket{http_route="/a",le="+Inf"} 3
                app_wait_seconds_sum{http_route="/a"} 3.75
                app_wait_seconds_count{http_route="/a"} 3
                # EOF

                """#)
    }

    @Test(arguments: [
        (Instruments.serverRequestDuration, "http_server_request_duration_seconds"), (Instruments.tokenUsage, "gen_ai_client_token_usage"),
        (Instruments.requestsFinished, "pellucid_requests_finished_total"), (Instruments.requestsInFlight, "pellucid_requests_in_flight"),
        (Instruments.configInfo, "pellucid_config_info"), (Instruments.processMemory, "process_resident_memory_bytes"),
        (Instruments.processCPU, "process_cpu_seconds_total"), (Instruments.cost, "pellucid_cost_total"),
    ])
    func `names follow the compatibility specification`(instrument: Instrument, name: String) {
        #expect(PrometheusName(instrument, format: .text).sample == name)
    }

    @Test func `two renderings of the same values are the same bytes`() {
        #expect(self.page(.text) == self.page(.text))
        #expect(self.page(.openMetrics) == self.page(.openMetrics))
    }

    @Test func `buckets rise and the last equals the count for random values`() throws {
        var random = FixedRandom(11)
        let registry = MetricRegistry()
        for _ in 0..<500 { registry.record(Self.duration, ["/\(Int.random(in: 0..<5, using: &random))"], Double.random(in: 0...4, using: &random)) }
        let page = String(decoding: PrometheusRenderer.render(families: registry.snapshot(), format: .text), as: UTF8.self)
        var previous = 0
        var total = 0
        for line in page.split(separator: "\n") where line.contains("_bucket{") {
            let value = try #require(line.split(separator: " ").last.flatMap { Int($0) })
            #expect(value >= previous)
            previous = line.contains("+Inf") ? 0 : value
            if line.contains("+Inf") { total += value }
        }
        #expect(total == 500)
    }

    @Test(arguments: [
        ("", PrometheusFormat.text), ("*/*", .text), ("text/plain", .text), ("application/openmetrics-text", .openMetrics),
        // What Prometheus 3 sends.
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,"
                + "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1", .openMetrics
        ),
        ("application/openmetrics-text; version=1.0.0; q=0.2, text/plain; q=0.8", .text), ("application/openmetrics-text;version=2.0.0", .text), ("application/json", .text),
    ])
    func `the format is negotiated`(accept: String, format: PrometheusFormat) {
        #expect(PrometheusFormat.negotiate(accept: accept) == format)
    }

    @Test(.enabled(if: Promtool.path != nil, "promtool is not installed"))
    func `promtool finds nothing to complain about`() throws {
        let registry = MetricRegistry()
        for instrument in AllInstruments.list {
            let values = instrument.attributes.map { _ in "x" }
            switch instrument.kind {
            case .counter, .upDownCounter: registry.add(instrument, values)
            case .observedGauge, .observedCounter: registry.observe(instrument, values) { 1 }
            case .histogram: registry.record(instrument, values, 0.1)
            case .realCounter: break
            }
        }
        let page = PrometheusRenderer.render(families: registry.snapshot(), format: .text)
        let verdict = try Promtool.check(page)
        #expect(verdict.status == 0, "\(verdict.output)")
        #expect(verdict.output.isEmpty, "\(verdict.output)")
    }
}

enum AllInstruments {
    static let list: [Instrument] = [
        Instruments.serverRequestDuration, Instruments.operationDuration, Instruments.tokenUsage, Instruments.timeToFirstChunk, Instruments.timePerOutputChunk,
        Instruments.genAIServerRequestDuration, Instruments.genAIServerTimeToFirstToken, Instruments.genAIServerTimePerOutputToken, Instruments.stageDuration,
        Instruments.overheadDuration, Instruments.requestsFinished, Instruments.requestsInFlight, Instruments.droppedScopes, Instruments.requestsUnaccounted,
        Instruments.telemetryDropped, Instruments.evidenceRefused, Instruments.consumerDelivered, Instruments.consumerQueued, Instruments.consumerSampledOut,
        Instruments.possibleDuplicates, Instruments.seriesOverflow, Instruments.sdkExporterSpanExported, Instruments.sdkExporterSpanInflight,
        Instruments.sdkExporterOperationDuration, Instruments.sdkProcessorQueueSize, Instruments.sdkProcessorQueueCapacity, Instruments.sdkProcessorSpanProcessed,
        Instruments.configInfo, Instruments.configReloads, Instruments.buildInfo, Instruments.connectionsOpen, Instruments.connectionsRefused,
        Instruments.protocolErrors, Instruments.upstreamConnections, Instruments.processCPU, Instruments.processMemory, Instruments.processDescriptors,
    ]
}

/// Prometheus' own judge of a metrics page.
enum Promtool {
    static let path: String? = ["/usr/bin/promtool", "/usr/local/bin/promtool"].first { FileManager.default.isExecutableFile(atPath: $0) }

    static func check(_ page: [UInt8]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(path))
        process.arguments = ["check", "metrics"]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = output
        try process.run()
        input.fileHandleForWriting.write(Data(page))
        try input.fileHandleForWriting.close()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }
}
