/// Prices of known models, for models whose configuration names none.
///
/// A model is found by its name, without a date or version at its end where the table has none (`claude-opus-5-20260801`), and without a region in front of it
/// (Bedrock's `eu.`).
public struct PriceCatalog: Sendable {
    /// One model the catalog knows.
    public struct Entry: Sendable {
        public let provider: String
        public let model: String
        public let prices: ModelPrices

        public init(provider: String, model: String, prices: ModelPrices) {
            self.provider = provider
            self.model = model
            self.prices = prices
        }
    }

    /// The prices this build was made with.
    public static let builtIn = PriceCatalog(table: "\(PriceTable.text)", audio: "\(PriceTable.audio)", date: "\(PriceTable.date)")

    /// The day its prices were collected.
    public let date: String
    private var prices: [String: [String: ModelPrices]] = [:]

    /// - Parameters:
    ///   - table: lines as ``PriceTable/text`` has them.
    ///   - audio: lines as ``PriceTable/audio`` has them.
    public init(table: String, audio: String = "", date: String) {
        self.date = date
        for line in table.split(separator: "\n") {
            let fields = line.split(separator: "\t")
            guard fields.count == 6 || fields.count == 11, let prices = PriceCatalog.read(fields) else { continue }
            for name in fields[1].split(separator: ",") { self.prices[String(fields[0]), default: [:]][String(name)] = prices }
        }
        for line in audio.split(separator: "\n") {
            let fields = line.split(separator: "\t")
            guard fields.count == 4 else { continue }
            for name in fields[1].split(separator: ",") {
                self.prices[String(fields[0])]?[String(name)]?.audioInputPerMillion = Double(fields[2])
                self.prices[String(fields[0])]?[String(name)]?.audioOutputPerMillion = Double(fields[3])
            }
        }
    }

    /// The same catalog with other or more prices.
    public func overridden(by entries: [Entry]) -> PriceCatalog {
        var catalog = self
        for entry in entries { catalog.prices[entry.provider, default: [:]][entry.model] = entry.prices }
        return catalog
    }

    /// Every model, by provider and name.
    public var entries: [Entry] {
        self.prices.flatMap { provider, models in models.map { Entry(provider: provider, model: $0.key, prices: $0.value) } }
            .sorted { ($0.provider, $0.model) < ($1.provider, $1.model) }
    }

    /// The prices of a model; nil when it is not known.
    ///
    /// - Parameter provider: Kong's name of the provider.
    public func prices(provider: String, model: String) -> ModelPrices? {
        guard let models = self.prices[provider] else { return nil }
        if let exact = models[model] { return exact }
        // An ARN or a resource path ends with the name.
        let name = model.split(separator: "/").last.map(String.init) ?? model
        if let known = PriceCatalog.find(name, models) { return known }
        guard provider == "bedrock", let dot = name.firstIndex(of: "."), PriceCatalog.regions.contains(String(name[..<dot])) else { return nil }
        return PriceCatalog.find(String(name[name.index(after: dot)...]), models)
    }

    /// Prefixes of Bedrock's inference profiles (https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html).
    private static let regions: Set<String> = ["us", "eu", "apac", "jp", "au", "ca", "global", "us-gov"]

    private static func find(_ name: String, _ models: [String: ModelPrices]) -> ModelPrices? {
        if let exact = models[name] { return exact }
        // The longest known name of which only a date or version is missing; a month or a day counts behind a year only.
        var end = name.endIndex
        var needsYear = false
        while let mark = name[..<end].lastIndex(where: { $0 == "-" || $0 == "@" || $0 == ":" }), mark > name.startIndex {
            switch self.kind(name[name.index(after: mark)..<end]) {
            case .name: return nil
            case .day: needsYear = true
            case .year: needsYear = false
            case .version: break
            }
            if !needsYear, let known = models[String(name[..<mark])] { return known }
            end = mark
        }
        return nil
    }

    /// What the last part of a name may say.
    private enum PartKind {
        /// Which model it is.
        case name
        /// `20260801`, `2024`, `0613`.
        case year
        /// `08`.
        case day
        /// `v1`, `0` behind it, `001`, `latest`.
        case version
    }

    private static func kind(_ part: Substring) -> PartKind {
        if part == "latest" || part == "preview" || part == "0" { return .version }
        let digits = part.hasPrefix("v") ? part.dropFirst() : part
        guard !digits.isEmpty, digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else { return .name }
        if part.hasPrefix("v") { return .version }
        switch digits.count {
        case 2: return .day
        case 3: return digits.hasPrefix("0") ? .version : .name
        case 4, 8: return .year
        default: return .name
        }
    }

    private static func read(_ fields: [Substring]) -> ModelPrices? {
        func number(_ index: Int) -> Double? { fields[index] == "-" ? nil : Double(fields[index]) }
        var prices = ModelPrices(inputPerMillion: number(2) ?? 0, outputPerMillion: number(3) ?? 0)
        prices.cacheReadPerMillion = number(4)
        prices.cacheWritePerMillion = number(5)
        prices.hourCacheWritePerMillion = self.hourCacheWrite(fields, prices.inputPerMillion)
        guard fields.count == 11, let threshold = Int64(fields[6]) else { return prices }
        prices.steps = [
            PriceStep(
                above: threshold, inputPerMillion: number(7) ?? prices.inputPerMillion, outputPerMillion: number(8) ?? prices.outputPerMillion,
                cacheReadPerMillion: number(9), cacheWritePerMillion: number(10), hourCacheWritePerMillion: self.hourCacheWrite(fields, number(7) ?? prices.inputPerMillion))
        ]
        return prices
    }

    /// Anthropic keeps caches for an hour at twice the price of input, wherever its models run (https://docs.claude.com/en/docs/build-with-claude/prompt-caching#pricing).
    private static func hourCacheWrite(_ fields: [Substring], _ input: Double) -> Double? { fields[1].contains("claude") && fields[5] != "-" ? input * 2 : nil }
}
