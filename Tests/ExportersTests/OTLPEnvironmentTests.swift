import SideClient
import Testing

@testable import Exporters

@Suite struct OTLPEnvironmentTests {
    @Test func `nothing set gives the defaults and no wish to export`() throws {
        let result = OTLPOptions.fromEnvironment([:])
        let options = try #require(result.options)
        #expect(options.endpoint == "http://localhost:4318/v1/traces")
        #expect(options.timeoutMilliseconds == 10_000)
        #expect(!result.isRequested)
        #expect(result.sampler == nil)
        #expect(result.problems.isEmpty)
    }

    @Test(arguments: [("http://c:4318", "http://c:4318/v1/traces"), ("https://c/otlp/", "https://c/otlp/v1/traces"), ("http://[::1]:4318", "http://[::1]:4318/v1/traces")])
    func `the general endpoint gets the path of the signal`(base: String, url: String) {
        let result = OTLPOptions.fromEnvironment(["OTEL_EXPORTER_OTLP_ENDPOINT": base])
        #expect(result.options?.endpoint == url)
        #expect(result.isRequested)
    }

    @Test func `the endpoint of the signal is used as it is and wins`() {
        let result = OTLPOptions.fromEnvironment(["OTEL_EXPORTER_OTLP_ENDPOINT": "http://a", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://b/x?y=1"])
        #expect(result.options?.endpoint == "http://b/x?y=1")
    }

    @Test(arguments: ["collector:4318", "ftp://c", "http://", "http://:80", "http://c:99999", "http://a b", ""])
    func `a malformed endpoint is a problem`(value: String) {
        let result = OTLPOptions.fromEnvironment(["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": value])
        if value.isEmpty {
            #expect(result.problems.isEmpty, "set to nothing counts as not set")
        } else {
            #expect(result.options == nil)
            #expect(result.problems.map(\.variable) == ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"])
        }
    }

    @Test func `headers are percent-decoded and bad ones are reported without their text`() throws {
        let result = OTLPOptions.fromEnvironment(["OTEL_EXPORTER_OTLP_HEADERS": "api-key=s%20ecret , x=1,top-secret,bad%zz=1,y=a%0Ab"])
        let options = try #require(result.options)
        #expect(options.headers.map(\.name) == ["api-key", "x"])
        #expect(options.headers.map(\.value) == ["s ecret", "1"])
        #expect(result.problems.count == 3)
        #expect(!result.problems.contains { $0.message.contains("secret") || $0.message.contains("zz") })
    }

    @Test func `the headers of the signal replace the general ones`() {
        let result = OTLPOptions.fromEnvironment(["OTEL_EXPORTER_OTLP_HEADERS": "a=1", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "b=2"])
        #expect(result.options?.headers.map(\.name) == ["b"])
    }

    @Test(arguments: ["grpc", "http/json"]) func `another protocol is refused clearly`(name: String) {
        let result = OTLPOptions.fromEnvironment(["OTEL_EXPORTER_OTLP_PROTOCOL": name])
        #expect(result.options == nil)
        #expect(result.problems.first?.message.contains("http/protobuf") == true)
    }

    @Test func `compression other than gzip and none is a problem and nothing more`() {
        let result = OTLPOptions.fromEnvironment(["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION": "zstd"])
        #expect(result.options != nil)
        #expect(result.problems.count == 1)
        #expect(OTLPOptions.fromEnvironment(["OTEL_EXPORTER_OTLP_COMPRESSION": "none"]).problems.isEmpty)
    }

    @Test func `disabled or none means no exporter`() {
        #expect(OTLPOptions.fromEnvironment(["OTEL_SDK_DISABLED": "TRUE"]).options == nil)
        #expect(OTLPOptions.fromEnvironment(["OTEL_TRACES_EXPORTER": "none"]).options == nil)
        #expect(OTLPOptions.fromEnvironment(["OTEL_TRACES_EXPORTER": "otlp"]).isRequested)
        #expect(OTLPOptions.fromEnvironment(["OTEL_TRACES_EXPORTER": "zipkin"]).problems.count == 1)
    }

    @Test func `the resource is read whole or not at all and the service name wins`() throws {
        let good = OTLPOptions.fromEnvironment(["OTEL_RESOURCE_ATTRIBUTES": "service.name=x,deployment.environment.name=prod%2Feu", "OTEL_SERVICE_NAME": "edge"])
        let resource = try #require(good.options).resource
        #expect(resource.map(\.name) == ["service.name", "deployment.environment.name"])
        #expect(resource.map(\.value) == ["edge", "prod/eu"])
        let bad = OTLPOptions.fromEnvironment(["OTEL_RESOURCE_ATTRIBUTES": "a=1,broken"])
        #expect(bad.options?.resource.map(\.name) == ["service.name"])
        #expect(bad.problems.count == 1)
    }

    @Test func `numbers are taken in range and reported otherwise`() throws {
        let result = OTLPOptions.fromEnvironment([
            "OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_BSP_MAX_QUEUE_SIZE": "100", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "200", "OTEL_EXPORTER_OTLP_TIMEOUT": "-1",
        ])
        let options = try #require(result.options)
        #expect(options.batchDelayMilliseconds == 50)
        #expect(options.maximumBatchSpans == 100)
        #expect(options.timeoutMilliseconds == 10_000)
        #expect(Set(result.problems.map(\.variable)) == ["OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "OTEL_EXPORTER_OTLP_TIMEOUT"])
    }

    @Test(arguments: [
        ("always_on", nil, SamplerChoice(isParentBased: false, root: .alwaysOn)), ("parentbased_always_off", nil, SamplerChoice(isParentBased: true, root: .alwaysOff)),
        ("traceidratio", "0.25", SamplerChoice(isParentBased: false, root: .ratio(0.25))), ("parentbased_traceidratio", nil, SamplerChoice(root: .ratio(1))),
    ] as [(String, String?, SamplerChoice)])
    func `samplers are read`(name: String, argument: String?, choice: SamplerChoice) {
        var environment = ["OTEL_TRACES_SAMPLER": name]
        environment["OTEL_TRACES_SAMPLER_ARG"] = argument
        #expect(OTLPOptions.fromEnvironment(environment).sampler == choice)
    }

    @Test func `an unknown sampler and a bad ratio are problems`() {
        #expect(OTLPOptions.fromEnvironment(["OTEL_TRACES_SAMPLER": "xray"]).problems.count == 1)
        let bad = OTLPOptions.fromEnvironment(["OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "2"])
        #expect(bad.problems.count == 1)
        #expect(bad.sampler?.root == .ratio(1))
    }

    @Test func `a ratio samples its share and follows the parent`() {
        let choice = SamplerChoice(root: .ratio(0.25))
        var random = FixedRandom(3)
        let sampled = (0..<20_000).count { _ in choice.isSampled(parent: nil, traceIDLow: random.next()) }
        #expect((4600...5400).contains(sampled))
        #expect(choice.isSampled(parent: true, traceIDLow: .max))
        #expect(!choice.isSampled(parent: false, traceIDLow: 0))
        #expect(!SamplerChoice(root: .ratio(0)).isSampled(parent: nil, traceIDLow: 0))
    }
}
