/// What the nodes of one decoding run share: the problems found so far and the means to resolve references.
///
/// Used by one thread from beginning to end of a run; it is not `Sendable` and never leaves it.
final class ConfigurationContext {
    /// The most problems kept: past that, a file is wrong as a whole and a longer list helps nobody.
    static let maximumIssues = 1_000

    private(set) var issues: [ConfigurationIssue] = []
    /// Problems found but not kept.
    private(set) var omittedIssues = 0
    /// The values of references and templates: part of the hash of the configuration, and kept out of every message.
    private(set) var resolvedSecrets: [String] = []
    /// While positive, problems are dropped: used to decode defaults in place of an object already reported as missing.
    var mutedDepth = 0

    /// The keys that decoders ask for, by the path of their mapping; kept only for a survey.
    var askedKeys: [String: [String]]?

    var secrets: SecretResolver
    let patterns: (any PatternCompiler)?

    init(secrets: SecretResolver = SecretResolver(environment: [:]), patterns: (any PatternCompiler)? = nil) {
        self.secrets = secrets
        self.patterns = patterns
    }

    func report(_ issue: ConfigurationIssue) {
        guard self.mutedDepth == 0 else { return }
        guard self.issues.count < Self.maximumIssues else {
            self.omittedIssues += 1
            return
        }
        self.issues.append(issue)
    }

    func note(secret: String) {
        self.resolvedSecrets.append(secret)
    }

    /// The problems in the order of the document, those without a line last.
    var orderedIssues: [ConfigurationIssue] {
        var ordered = self.issues.enumerated().sorted { left, right in
            let leftLine = left.element.line == 0 ? Int.max : left.element.line
            let rightLine = right.element.line == 0 ? Int.max : right.element.line
            return leftLine == rightLine ? left.offset < right.offset : leftLine < rightLine
        }.map(\.element)
        let redaction = SecretRedaction(secrets: self.resolvedSecrets)
        ordered = ordered.map { redaction.redacted($0) }
        if self.omittedIssues > 0 {
            ordered.append(ConfigurationIssue(path: "", line: 1, problem: "\(self.omittedIssues) more problems are not listed", severity: .error))
        }
        return ordered
    }
}
