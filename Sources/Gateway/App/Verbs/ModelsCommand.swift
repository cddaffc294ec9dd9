import ArgumentParser
import GatewayCore

/// `pellucid models`: what the price catalog knows.
struct ModelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "models", abstract: "List the models whose prices are known, in dollars per million tokens.")

    @Option(help: "Only models of this provider.") var provider: String?
    @Flag(help: "One JSON object a line.") var json = false

    func run() {
        let entries = PriceCatalog.builtIn.entries.filter { self.provider == nil || $0.provider == self.provider }
        if !self.json { print("# prices of \(PriceCatalog.builtIn.date): provider, model, input, output, cache read, cache write") }
        for entry in entries {
            let prices = entry.prices
            if self.json {
                var text = "{\"provider\":\"\(entry.provider)\",\"model\":\"\(entry.model)\",\"input_cost\":\(prices.inputPerMillion),\"output_cost\":\(prices.outputPerMillion)"
                if let value = prices.cacheReadPerMillion { text += ",\"cache_read_cost\":\(value)" }
                if let value = prices.cacheWritePerMillion { text += ",\"cache_write_cost\":\(value)" }
                if let value = prices.hourCacheWritePerMillion { text += ",\"cache_write_1h_cost\":\(value)" }
                if let value = prices.audioInputPerMillion { text += ",\"audio_input_cost\":\(value)" }
                if let value = prices.audioOutputPerMillion { text += ",\"audio_output_cost\":\(value)" }
                if let step = prices.steps.first { text += ",\"above\":\(step.above),\"input_cost_above\":\(step.inputPerMillion),\"output_cost_above\":\(step.outputPerMillion)" }
                print(text + "}")
            } else {
                let rest = [prices.cacheReadPerMillion, prices.cacheWritePerMillion].map { $0.map { "\($0)" } ?? "-" }.joined(separator: "\t")
                print("\(entry.provider)\t\(entry.model)\t\(prices.inputPerMillion)\t\(prices.outputPerMillion)\t\(rest)")
            }
        }
    }
}
