import ArgumentParser
import GatewayCore

/// `pellucid validate`: says everything that is wrong with configuration files.
struct ValidateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Check configuration files: every problem, with line and path; exit status 1 if there is one.")

    @Argument(help: "Files to check.") var files: [String]
    @OptionGroup var loading: LoadingOptions

    mutating func run() async throws {
        let assembly = ConfigurationAssembly(environment: ProcessEnvironment.current, options: self.loading.resolved, sinks: DetachedSinks())
        var isValid = true
        for file in self.files {
            do throws(ConfigurationError) {
                let loaded = try assembly.load(.file(file))
                _ = try assembly.build(loaded)
                for warning in loaded.warnings { print(Problem.line(warning, file: file)) }
                print("\(file): valid")
            } catch {
                isValid = false
                for issue in error.issues { print(Problem.line(issue, file: file)) }
            }
        }
        if !isValid { throw ExitCode(1) }
    }
}

/// How a problem is printed: `FILE:LINE: path: problem`.
enum Problem {
    static func line(_ issue: ConfigurationIssue, file: String) -> String {
        let severity = issue.severity == .warning ? "warning: " : ""
        return issue.line > 0 ? "\(file):\(issue.line): \(severity)\(issue)" : "\(file): \(severity)\(issue)"
    }
}
