import Glibc

/// `--name value` pairs of the command line.
struct Arguments {
    private var values: [String: [String]] = [:]
    let verb: String

    init(_ words: [String]) throws(LoadError) {
        guard words.count > 1 else { throw .usage(Arguments.help) }
        verb = words[1]
        var index = 2
        while index < words.count {
            guard words[index].hasPrefix("--"), index + 1 < words.count else { throw .usage("unexpected word: \(words[index])\n\(Arguments.help)") }
            values[String(words[index].dropFirst(2)), default: []].append(words[index + 1])
            index += 2
        }
    }

    func text(_ name: String, default fallback: String? = nil) throws(LoadError) -> String {
        if let value = values[name]?.last { return value }
        guard let fallback else { throw .usage("--\(name) is required") }
        return fallback
    }

    func number(_ name: String, default fallback: Int? = nil) throws(LoadError) -> Int {
        if let value = values[name]?.last {
            guard let number = Int(value) else { throw .usage("--\(name): \(value) is not a number") }
            return number
        }
        guard let fallback else { throw .usage("--\(name) is required") }
        return fallback
    }

    func decimal(_ name: String, default fallback: Double) throws(LoadError) -> Double {
        guard let value = values[name]?.last else { return fallback }
        guard let number = Double(value) else { throw .usage("--\(name): \(value) is not a number") }
        return number
    }

    func all(_ name: String) -> [String] { values[name] ?? [] }

    static let help = """
        pellucid-load upstream --port P [--events 100] [--rate 0] [--format openai|anthropic]
                                                                       an OpenAI-like provider: JSON, or SSE when the body says "stream":true
                                                                       or the path starts with /sse (?events=N&rate=R); rate is events per
                                                                       second and stream, 0 sends them in one burst
        pellucid-load sink --port P                                    answers every request with 200 and an empty body (an OTLP receiver)
        pellucid-load sse --url URL [--connections 32] [--streams 1000] [--events 0] [--body TEXT] [--header 'name: value']…
                                                                       opens streams until all are read; --events is the expected count
        pellucid-load idle --url URL [--connections 8000] [--body TEXT] [--header 'name: value']…
                                                                       opens streams, prints one line when all flow, holds them until stdin ends
        GET /load/stats of upstream and sink answers with counters.
        """
}
