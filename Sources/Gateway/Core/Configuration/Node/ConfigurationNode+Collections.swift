extension ConfigurationNode {
    /// The strings under `key`, or nil when absent. Elements that are wrong are reported and left out.
    ///
    /// - Parameter count: how many there may be.
    public mutating func optionalStrings(
        _ key: String, _ rules: StringRule..., count: ClosedRange<Int> = 0...Int.max, referenceable: Bool = false, isSensitive: Bool = false
    ) -> [String]? {
        guard let elements = self.elements(key, count) else { return nil }
        return self.decodeElements(key, elements) { value, path in
            self.checkedString(value, path, rules, referenceable, isSensitive || referenceable)
        }
    }

    /// The strings under `key`, or `fallback`.
    public mutating func strings(
        _ key: String, default fallback: [String] = [], _ rules: StringRule..., count: ClosedRange<Int> = 0...Int.max,
        referenceable: Bool = false, isSensitive: Bool = false
    ) -> [String] {
        guard let elements = self.elements(key, count) else { return fallback }
        return self.decodeElements(key, elements) { value, path in
            self.checkedString(value, path, rules, referenceable, isSensitive || referenceable)
        }
    }

    /// The integers under `key`, or `fallback`.
    public mutating func ints(
        _ key: String, default fallback: [Int] = [], in range: ClosedRange<Int> = .min ... .max, count: ClosedRange<Int> = 0...Int.max
    ) -> [Int] {
        guard let elements = self.elements(key, count) else { return fallback }
        return self.decodeElements(key, elements) { value, path in self.checkedInt(value, path, range, nil) }
    }

    /// The numbers under `key`, or `fallback`.
    public mutating func numbers(
        _ key: String, default fallback: [Double] = [],
        in range: ClosedRange<Double> = -.greatestFiniteMagnitude ... .greatestFiniteMagnitude, above: Double? = nil,
        count: ClosedRange<Int> = 0...Int.max
    ) -> [Double] {
        guard let elements = self.elements(key, count) else { return fallback }
        return self.decodeElements(key, elements) { value, path in self.checkedNumber(value, path, range, above) }
    }

    /// The choices under `key`, or nil when absent.
    public mutating func optionalChoices<Choice: RawRepresentable & CaseIterable>(
        _ key: String, of type: Choice.Type = Choice.self, count: ClosedRange<Int> = 0...Int.max
    ) -> [Choice]? where Choice.RawValue == String {
        guard let elements = self.elements(key, count) else { return nil }
        return self.decodeElements(key, elements) { value, path in self.checkedChoice(value, path) }
    }

    /// The choices under `key`, or `fallback`.
    public mutating func choices<Choice: RawRepresentable & CaseIterable>(
        _ key: String, default fallback: [Choice], count: ClosedRange<Int> = 0...Int.max
    ) -> [Choice] where Choice.RawValue == String {
        self.optionalChoices(key, count: count) ?? fallback
    }

    /// The mapping from string to string under `key`, or nil when absent.
    public mutating func optionalStringMap(
        _ key: String, keys keyRules: [StringRule] = [], values valueRules: [StringRule] = [], referenceable: Bool = false,
        isSensitive: Bool = false
    ) -> [String: String]? {
        guard let entries = self.mapping(key) else { return nil }
        var result: [String: String] = [:]
        for entry in entries {
            let path = "\(self.path(of: key)).\(entry.key)"
            self.check(entry, path, keyRules)
            if let text = self.checkedString(entry.value, path, valueRules, referenceable, isSensitive || referenceable) {
                result[entry.key] = text
            }
        }
        return result
    }

    /// The mapping from string to a list of strings under `key`, or nil when absent.
    public mutating func optionalStringListMap(
        _ key: String, keys keyRules: [StringRule] = [], values valueRules: [StringRule] = []
    ) -> [String: [String]]? {
        guard let entries = self.mapping(key) else { return nil }
        var result: [String: [String]] = [:]
        for entry in entries {
            let path = "\(self.path(of: key)).\(entry.key)"
            self.check(entry, path, keyRules)
            guard let elements = entry.value.elements else {
                self.reportKind("a list", entry.value, path, nil, false)
                continue
            }
            result[entry.key] = elements.enumerated().compactMap { index, element in
                self.checkedString(element, "\(path)[\(index)]", valueRules, false, false)
            }
        }
        return result
    }

    private func check(_ entry: DocumentEntry, _ path: String, _ rules: [StringRule]) {
        for rule in rules {
            guard let problem = rule.problem(with: entry.key) else { continue }
            let line = max(entry.keyPosition.line, 1)
            self.context.report(ConfigurationIssue(path: path, line: line, problem: "the key \(problem)", hint: rule.hint))
            return
        }
    }

    mutating func mapping(_ key: String) -> [DocumentEntry]? {
        guard let value = self.document(key) else { return nil }
        if let entries = value.entries { return entries }
        self.reportKind("a mapping", value, self.path(of: key), nil, false)
        return nil
    }

    mutating func elements(_ key: String, _ count: ClosedRange<Int>) -> [DocumentNode]? {
        guard let value = self.document(key) else { return nil }
        guard let elements = value.elements else {
            let hint = value.scalar != nil ? "write it as a list" : nil
            self.reportKind("a list", value, self.path(of: key), hint, false)
            return nil
        }
        if !count.contains(elements.count) {
            let bound = elements.count < count.lowerBound ? "at least \(count.lowerBound)" : "at most \(count.upperBound)"
            self.report("has \(elements.count) elements, expected \(bound)", at: key)
        }
        return elements
    }

    private func decodeElements<Value>(_ key: String, _ elements: [DocumentNode], _ decode: (DocumentNode, String) -> Value?) -> [Value] {
        var result: [Value] = []
        result.reserveCapacity(elements.count)
        let base = self.path(of: key)
        for (index, element) in elements.enumerated() {
            if let value = decode(element, "\(base)[\(index)]") { result.append(value) }
        }
        return result
    }
}
