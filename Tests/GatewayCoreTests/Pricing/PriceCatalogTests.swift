import GatewayCore
import Telemetry
import Testing

@Suite struct PriceCatalogTests {
    private static let catalog = PriceCatalog(
        table: """
            a\tm-1,m-one\t2\t8\t0.5\t2.5
            a\tm-1-mini\t1\t4\t-\t-
            a\tlong\t2\t10\t0.2\t-\t200000\t4\t15\t0.4\t-
            a\tclaude-1\t2\t10\t0.2\t2.5\t1000\t4\t20\t0.4\t5
            bedrock\tvendor.model,eu.vendor.special\t3\t6\t-\t-
            broken line
            """, audio: "a\tm-1,m-one\t20\t80\na\tunknown\t1\t1\na\tm-1-mini\t7\t-", date: "2026-01-01")

    private static func usage(_ input: Int64, _ output: Int64, cached: Int64 = 0, written: Int64 = 0, hour: Int64 = 0) -> TokenUsage {
        var usage = TokenUsage()
        usage.input = input
        usage.output = output
        usage.cachedInput = cached
        usage.cacheWrites = written
        usage.hourCacheWrites = hour
        usage.source = .providerReported
        return usage
    }

    @Test(arguments: [
        ("m-1", 2.0), ("m-one", 2), ("m-1-20260101", 2), ("m-1-2026-01-01", 2), ("m-1-latest", 2), ("m-1-mini", 1), ("m-1-mini-0613", 1), ("models/m-1", 2), ("m-1@20260101", 2),
    ])
    func `a model is found by its name, without date or version`(name: String, input: Double) {
        #expect(Self.catalog.prices(provider: "a", model: name)?.inputPerMillion == input)
    }

    @Test(arguments: [Int64.min, -1, 0, 1, .max], [Int64.min, -1, 0, 1, .max])
    func `counts without sense have a price that is a number, and not below zero`(whole: Int64, part: Int64) throws {
        for model in ["m-1", "claude-1"] {
            let prices = try #require(Self.catalog.prices(provider: "a", model: model))
            var usage = Self.usage(whole, whole, cached: part, written: part, hour: part)
            (usage.inputAudio, usage.outputAudio) = (part, part)
            #expect(prices.cost(usage).isFinite && prices.cost(usage) >= 0)
            #expect(prices.cost(Self.usage(100, 10, cached: part)) <= prices.cost(Self.usage(100, 10)))
        }
    }

    @Test(arguments: ["m-1-max", "m-1-2", "m-1-10", "m-1-123", "m", "m-1.5", "", "other"])
    func `another model is not taken for a known one`(name: String) { #expect(Self.catalog.prices(provider: "a", model: name) == nil) }

    @Test(arguments: [("vendor.model-v1:0", 3.0), ("us.vendor.model-v2:0", 3), ("arn:aws:bedrock:us-east-1:1:inference-profile/eu.vendor.special", 3)])
    func `Bedrock's regions and versions are no part of a name`(name: String, input: Double) {
        #expect(Self.catalog.prices(provider: "bedrock", model: name)?.inputPerMillion == input)
    }

    @Test func `cached input has its own price, and long prompts theirs`() throws {
        let plain = try #require(Self.catalog.prices(provider: "a", model: "m-1"))
        #expect(abs(plain.cost(Self.usage(1000, 100, cached: 400, written: 100)) - (500 * 2 + 400 * 0.5 + 100 * 2.5 + 100 * 8) / 1e6) < 1e-12)
        let long = try #require(Self.catalog.prices(provider: "a", model: "long"))
        #expect(abs(long.cost(Self.usage(200_000, 10)) - (200_000 * 2 + 100) / 1e6) < 1e-12)
        #expect(abs(long.cost(Self.usage(200_001, 10)) - (200_001 * 4 + 150) / 1e6) < 1e-12)
    }

    @Test func `what is kept in the cache for an hour has its own price`() throws {
        let claude = try #require(Self.catalog.prices(provider: "a", model: "claude-1"))
        #expect(abs(claude.cost(Self.usage(1000, 10, written: 300, hour: 100)) - (700 * 2 + 200 * 2.5 + 100 * 4 + 100) / 1e6) < 1e-12)
        #expect(abs(claude.cost(Self.usage(2000, 10, written: 300, hour: 100)) - (1700 * 4 + 200 * 5 + 100 * 8 + 200) / 1e6) < 1e-12)
        let other = try #require(Self.catalog.prices(provider: "a", model: "m-1"))
        #expect(abs(other.cost(Self.usage(1000, 0, written: 300, hour: 900)) - (700 * 2 + 300 * 2.5) / 1e6) < 1e-12)
    }

    @Test func `sound has its own price, but for what was cached of it`() throws {
        let catalog = Self.catalog
        func cost(_ model: String, input: Int64, cached: Int64 = 0, output: Int64, sound: Int64, spoken: Int64) throws -> Double {
            var usage = Self.usage(input, output, cached: cached)
            usage.inputAudio = sound
            usage.outputAudio = spoken
            return try #require(catalog.prices(provider: "a", model: model)).cost(usage) * 1e6
        }
        #expect(abs(try cost("m-one", input: 100, output: 50, sound: 60, spoken: 20) - (40 * 2 + 60 * 20 + 30 * 8 + 20 * 80)) < 1e-6)
        #expect(abs(try cost("m-1", input: 100, cached: 50, output: 0, sound: 100, spoken: 0) - (50 * 0.5 + 50 * 20)) < 1e-6)
        #expect(abs(try cost("m-1-mini", input: 10, output: 10, sound: 10, spoken: 10) - (10 * 7 + 10 * 4)) < 1e-6)
        #expect(abs(try cost("long", input: 10, output: 10, sound: 10, spoken: 10) - (10 * 2 + 10 * 10)) < 1e-6)
        // Counts that contradict each other make nothing negative.
        #expect(try cost("m-1", input: 10, output: 5, sound: 500, spoken: 500) == 10 * 20 + 5 * 80)
        #expect(try cost("m-1", input: 10, output: 5, sound: -9, spoken: -9) == 10 * 2 + 5 * 8)
        #expect(catalog.prices(provider: "a", model: "unknown") == nil)
        let realtime = try #require(PriceCatalog.builtIn.prices(provider: "openai", model: "gpt-realtime"))
        #expect(realtime.audioInputPerMillion == 32 && realtime.audioOutputPerMillion == 64)
    }

    @Test func `every audio price belongs to a model that is known`() {
        let entries = PriceCatalog.builtIn.entries.filter { $0.prices.audioInputPerMillion != nil }
        #expect(entries.count > 30)
        #expect(entries.allSatisfy { $0.prices.audioInputPerMillion ?? 0 > $0.prices.inputPerMillion })
    }

    @Test func `counts that contradict each other do not make a price negative`() {
        let prices = ModelPrices(inputPerMillion: 1, outputPerMillion: 1)
        #expect(prices.cost(Self.usage(10, 0, cached: 50, written: 50)) == 10 / 1e6)
    }

    @Test func `the configuration's prices replace the catalog's`() {
        let mine = PriceCatalog.Entry(provider: "a", model: "m-1", prices: ModelPrices(inputPerMillion: 9, outputPerMillion: 9))
        let catalog = Self.catalog.overridden(by: [mine])
        #expect(catalog.prices(provider: "a", model: "m-1")?.inputPerMillion == 9)
        #expect(catalog.prices(provider: "a", model: "m-1-mini")?.inputPerMillion == 1)
    }

    @Test func `the built-in table is read whole`() {
        let entries = PriceCatalog.builtIn.entries
        #expect(entries.count > 900)
        #expect(Set(entries.map(\.provider)) == ["openai", "azure", "anthropic", "bedrock", "gemini", "cohere", "mistral", "xai", "deepseek", "cerebras", "databricks"])
        #expect(entries.allSatisfy { $0.prices.inputPerMillion >= 0 && $0.prices.outputPerMillion >= 0 })
        #expect(PriceCatalog.builtIn.prices(provider: "openai", model: "gpt-4o-mini-2024-07-18")?.outputPerMillion == 0.6)
        #expect(PriceCatalog.builtIn.prices(provider: "bedrock", model: "us.amazon.nova-lite-v1:0")?.inputPerMillion == 0.06)
    }
}
