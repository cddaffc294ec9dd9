/// One problem of a configuration: where it stands, what is wrong, and what would help.
///
/// The text never contains a secret: values of referenceable fields and of environment variables are described, not shown.
public struct ConfigurationIssue: Sendable, Hashable, CustomStringConvertible {
    /// Whether the problem stops the configuration from being used.
    public enum Severity: String, Sendable, Hashable, CaseIterable {
        case error
        case warning
    }

    /// The place in the document: `plugins[2].config.targets[0].model.provider`; empty for the document itself.
    public let path: String
    /// Line in the file, from 1; 0 when the problem has none (an environment variable, a missing file).
    public let line: Int
    /// What is wrong: a phrase that follows the path.
    public let problem: String
    /// What would mend it.
    public let hint: String?
    /// Whether it stops the configuration.
    public let severity: Severity

    /// A problem at a place.
    public init(path: String, line: Int, problem: String, hint: String? = nil, severity: Severity = .error) {
        self.path = path
        self.line = line
        self.problem = problem
        self.hint = hint
        self.severity = severity
    }

    /// `plugins[2].config.model.provider: "opnai" is not one of openai, azure; did you mean "openai"?`
    public var description: String {
        let place = self.path.isEmpty ? "" : "\(self.path): "
        let help = self.hint.map { "; \($0)" } ?? ""
        return "\(place)\(self.problem)\(help)"
    }
}
