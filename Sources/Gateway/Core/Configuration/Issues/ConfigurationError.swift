/// Everything that is wrong with a configuration, found in one run.
public struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The problems, errors and warnings, in the order of the document.
    public let issues: [ConfigurationIssue]

    /// An error made of problems.
    public init(issues: [ConfigurationIssue]) {
        self.issues = issues
    }

    /// One problem a line, each as `line N: path: problem; hint`.
    public var description: String {
        self.issues.map { issue in
            let severity = issue.severity == .warning ? "warning: " : ""
            return issue.line > 0 ? "line \(issue.line): \(severity)\(issue)" : "\(severity)\(issue)"
        }.joined(separator: "\n")
    }
}
