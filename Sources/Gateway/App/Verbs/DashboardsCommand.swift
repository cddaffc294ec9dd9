import ArgumentParser
import GatewayCore
import Glibc

/// `pellucid dashboards`: what Grafana shows.
struct DashboardsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "dashboards", abstract: "Write Grafana dashboards.", subcommands: [DashboardsGenerateCommand.self])
}

/// `pellucid dashboards generate`: the dashboards as files, for everybody or for one configuration.
struct DashboardsGenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Write Grafana dashboards into a directory.",
        discussion: """
            With --config the variable "route" lists the routes of that configuration, and dashboards about models are left out where it has no AI plugin.
            Exemplars lead to traces when Grafana's Prometheus source names the trace source (dashboards/provisioning/datasources.yaml shows how).
            """)

    @Option(help: "Directory to write into; made when it is not there.") var output = "dashboards"
    @Option(help: "Configuration to write them for.") var config: String?

    func run() throws {
        var routes: [String]?
        var hasModels = true
        if let config {
            var options = ConfigurationLoaderOptions()
            options.defaultRouteProtocols = ConfigurationLoaderOptions.plaintextToo
            options.allowsUnsupported = true
            let assembly = ConfigurationAssembly(environment: ProcessEnvironment.current, options: options, sinks: DetachedSinks())
            do throws(ConfigurationError) {
                let configuration = try assembly.load(.file(config)).configuration
                routes = configuration.routes.map { $0.name ?? $0.metadata.id }.sorted()
                hasModels = configuration.plugins.contains { $0.name.hasPrefix("ai-") || $0.name.hasPrefix("pellucid-direct") }
            } catch {
                for issue in error.issues { StandardError.print(Problem.line(issue, file: config)) }
                throw ExitCode(1)
            }
        }
        guard FileReader.makeDirectory(self.output) else {
            StandardError.print("\(self.output): \(String(cString: strerror(errno)))")
            throw ExitCode(1)
        }
        for dashboard in DashboardCatalog.all where hasModels || !dashboard.isForModels {
            let path = "\(self.output)/\(dashboard.name).json"
            try self.write(IndentedJSON.text(dashboard.json(routes: routes)), to: path)
            print(path)
        }
    }

    private func write(_ text: String, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        let bytes = Array(text.utf8)
        let isWritten = descriptor >= 0 && bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) } == bytes.count
        if descriptor >= 0 { close(descriptor) }
        guard isWritten else {
            StandardError.print("\(path): \(String(cString: strerror(errno)))")
            throw ExitCode(1)
        }
    }
}
