extension ConfigurationNode {
    /// Checks that `pattern`, found under `path`, compiles; reports it otherwise. Without a compiler nothing is checked.
    func checkPattern(_ pattern: String, options: PatternOptions = PatternOptions(), path: String, line: Int) {
        guard let compiler = self.context.patterns else { return }
        do {
            _ = try compiler.compile(pattern, options: options)
        } catch {
            let problem =
                switch error {
                case .invalid(let problem, let offset): "\"\(pattern)\" is not a valid regular expression: \(problem) (at character \(offset + 1))"
                case .limitExceeded, .failed: "could not be compiled as a regular expression"
                }
            self.context.report(ConfigurationIssue(path: path, line: line, problem: problem))
        }
    }

    /// The regular expression under `key`, checked, or nil when absent.
    public mutating func optionalPattern(_ key: String, options: PatternOptions = PatternOptions()) -> String? {
        guard let pattern = self.optionalString(key) else { return nil }
        self.checkPattern(pattern, options: options, path: self.path(of: key), line: self.line(of: key))
        return pattern
    }

    /// The regular expressions under `key`, checked; each satisfies `rule` too.
    public mutating func patterns(
        _ key: String, default fallback: [String] = [], _ rule: StringRule? = nil, options: PatternOptions = PatternOptions(), count: ClosedRange<Int> = 0...Int.max
    ) -> [String] {
        let patterns = rule.map { self.strings(key, default: fallback, $0, count: count) } ?? self.strings(key, default: fallback, count: count)
        for (index, pattern) in patterns.enumerated() {
            self.checkPattern(pattern, options: options, path: "\(self.path(of: key))[\(index)]", line: self.line(of: key))
        }
        return patterns
    }
}
