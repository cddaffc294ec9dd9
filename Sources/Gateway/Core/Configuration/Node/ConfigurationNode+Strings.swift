extension ConfigurationNode {
    /// The string under `key`, or nil when absent.
    ///
    /// - Parameters:
    ///   - rules: what the string must satisfy.
    ///   - referenceable: whether `{vault://env/NAME}` is resolved; its value is then never shown in a problem.
    ///   - isSensitive: whether the value is kept out of problems.
    public mutating func optionalString(
        _ key: String, _ rules: StringRule..., referenceable: Bool = false, isSensitive: Bool = false
    ) -> String? {
        guard let value = self.document(key) else { return nil }
        return self.checkedString(value, self.path(of: key), rules, referenceable, isSensitive || referenceable)
    }

    /// The string under `key`, or `fallback`.
    public mutating func string(
        _ key: String, default fallback: String, _ rules: StringRule..., referenceable: Bool = false, isSensitive: Bool = false
    ) -> String {
        guard let value = self.document(key) else { return fallback }
        return self.checkedString(value, self.path(of: key), rules, referenceable, isSensitive || referenceable) ?? fallback
    }

    /// The string under `key`; its absence is a problem, and `""` is returned.
    public mutating func requiredString(
        _ key: String, _ rules: StringRule..., referenceable: Bool = false, isSensitive: Bool = false
    ) -> String {
        guard let value = self.document(key) else {
            self.report("is required", at: key)
            return ""
        }
        return self.checkedString(value, self.path(of: key), rules, referenceable, isSensitive || referenceable) ?? ""
    }

    /// One of the cases of `Choice`, or nil when absent.
    public mutating func optionalChoice<Choice: RawRepresentable & CaseIterable>(
        _ key: String, of type: Choice.Type = Choice.self
    ) -> Choice? where Choice.RawValue == String {
        guard let value = self.document(key) else { return nil }
        return self.checkedChoice(value, self.path(of: key))
    }

    /// One of the cases of `Choice`, or `fallback`.
    public mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String, default fallback: Choice
    ) -> Choice where Choice.RawValue == String {
        self.optionalChoice(key) ?? fallback
    }

    /// One of the cases of `Choice`; its absence is a problem, and `placeholder` is returned.
    public mutating func requiredChoice<Choice: RawRepresentable & CaseIterable>(
        _ key: String, placeholder: Choice
    ) -> Choice where Choice.RawValue == String {
        guard let value = self.document(key) else {
            self.report("is required", at: key, hint: "one of \(ValueDescription.list(Choice.allCases.map(\.rawValue)))")
            return placeholder
        }
        return self.checkedChoice(value, self.path(of: key)) ?? placeholder
    }

    func checkedString(
        _ value: DocumentNode, _ path: String, _ rules: [StringRule], _ referenceable: Bool, _ isSensitive: Bool
    ) -> String? {
        guard let scalar = value.scalar, case .string = scalar.value else {
            let hint = value.scalar != nil ? "write it in quotes to make it a string" : nil
            self.reportKind("a string", value, path, hint, isSensitive)
            return nil
        }
        var text = scalar.text
        var isHidden = isSensitive || scalar.origin == .environment
        if SecretReference.looksLikeReference(text) {
            if referenceable {
                guard let resolved = self.resolve(text, value, path) else { return nil }
                text = resolved
                isHidden = true
            } else {
                self.add(value, path, "is not referenceable: the vault reference is used as plain text", nil, .warning)
            }
        }
        for rule in rules {
            guard let problem = rule.problem(with: text) else { continue }
            self.add(value, path, isHidden ? rule.problemWithoutValue : problem, rule.hint, .error)
            return nil
        }
        return text
    }

    func checkedChoice<Choice: RawRepresentable & CaseIterable>(
        _ value: DocumentNode, _ path: String
    ) -> Choice? where Choice.RawValue == String {
        guard let scalar = value.scalar else {
            self.reportKind("a string", value, path, nil, false)
            return nil
        }
        if case .string = scalar.value, let choice = Choice(rawValue: scalar.text) { return choice }
        let words = Choice.allCases.map(\.rawValue)
        let hint = scalar.origin == .environment ? nil : Suggestion.hint(for: scalar.text, among: words)
        self.add(value, path, "\(ValueDescription.of(value)) is not one of \(ValueDescription.list(words))", hint, .error)
        return nil
    }

    private func resolve(_ text: String, _ value: DocumentNode, _ path: String) -> String? {
        switch self.context.secrets.resolve(text) {
        case .resolved(let secret):
            self.context.note(secret: secret)
            return secret
        case .unresolvable(let problem, let hint):
            self.add(value, path, problem, hint, .error)
            return nil
        }
    }

    func reportKind(_ expected: String, _ value: DocumentNode, _ path: String, _ hint: String?, _ isSensitive: Bool) {
        self.add(value, path, "expected \(expected), found \(ValueDescription.of(value, isSensitive: isSensitive))", hint, .error)
    }

    func add(_ value: DocumentNode, _ path: String, _ problem: String, _ hint: String?, _ severity: ConfigurationIssue.Severity) {
        let line = value.position.line > 0 ? value.position.line : max(self.position.line, 1)
        self.context.report(ConfigurationIssue(path: path, line: line, problem: problem, hint: hint, severity: severity))
    }
}
