import ArgumentParser
import GatewayCore
import Telemetry

/// `pellucid run`: serves a configuration until it is told to stop.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Serve a configuration.",
        discussion: """
            Without --config (or KONG_DECLARATIVE_CONFIG) the providers whose keys are in the environment (OPENAI_API_KEY, MISTRAL_API_KEY, …)
            are served at /v1 on the loopback address, models named provider/model.
            SIGHUP, or a change of the file, reloads; SIGTERM and SIGQUIT drain and stop; a second one stops at once.
            """)

    @Option(help: "Kong's declarative configuration, YAML or JSON.") var config: String?
    @OptionGroup var listeners: ListenerOptions
    @OptionGroup var loading: LoadingOptions
    @Flag(help: "Without a file: serve an address other than the loopback although no client key (PELLUCID_API_KEY) is required.") var insecureOpen = false

    mutating func run() async throws {
        let environment = ProcessEnvironment.current
        var options = try self.listeners.resolved(environment)
        options.loading = self.loading.resolved
        if let path = self.config ?? environment["KONG_DECLARATIVE_CONFIG"] {
            options.source = .file(path)
        } else {
            options.source = .text(try NoFileConfiguration.make(environment: environment, options: &options, isOpenAllowed: self.insecureOpen), name: "environment")
        }
        try await GatewayProcess(options: options, environment: environment).run()
    }
}

/// Addresses and places, common to all verbs that serve.
struct ListenerOptions: ParsableArguments {
    @Option(name: .customLong("proxy-listen"), help: "Address for clients, repeatable, with Kong's words: ssl, http2, proxy_protocol, reuseport, … (default 0.0.0.0:8000; with certificates also 0.0.0.0:8443 ssl http2).") var proxy: [String] = []
    @Option(name: .customLong("admin-listen"), help: "Address of the Admin listener (default 127.0.0.1:8001; off: none).") var admin: String?
    @Option(name: .customLong("status-listen"), help: "Address of /status and /metrics (default 127.0.0.1:8007; off: none).") var status: String?
    @Option(name: .customLong("state-dir"), help: "Where audit log and state are kept (default $PELLUCID_STATE_DIR, $XDG_STATE_HOME/pellucid, ~/.local/state/pellucid).")
    var stateDirectory: String?
    @Option(help: "Event loops (default: one a core).") var workers: Int?

    func resolved(_ environment: [String: String], proxyDefault: String = "0.0.0.0:8000") throws -> ProcessOptions {
        var options = ProcessOptions()
        options.loading.defaultRouteProtocols = ConfigurationLoaderOptions.plaintextToo
        let proxy = self.proxy.isEmpty ? [environment["KONG_PROXY_LISTEN"] ?? proxyDefault] : self.proxy
        options.hasExplicitProxyAddress = !self.proxy.isEmpty || environment["KONG_PROXY_LISTEN"] != nil
        // Kong lists addresses with commas.
        options.proxy = try proxy.flatMap { $0.split(separator: ",") }.compactMap { try ListenAddress.parse(String($0)) }
        options.admin = try ListenAddress.parse(self.admin ?? environment["KONG_ADMIN_LISTEN"] ?? "127.0.0.1:8001")
        options.status = try ListenerOptions.statusAddress(self.status, environment)
        options.stateDirectory = self.stateDirectory ?? StateDirectory.standard(environment)
        var kong = KongSettings(environment)
        options.workers = self.workers ?? (kong.text(.nginxWorkerProcesses) == "auto" ? nil : kong.int(.nginxWorkerProcesses, in: 1...1_024))
        if let problem = kong.problems.first { throw ValidationError(problem) }
        if let workers = self.workers, workers < 1 { throw ValidationError("--workers must be at least 1") }
        return options
    }

    /// The status listener's address, for who serves it and for who asks it; nil: there is none.
    static func statusAddress(_ option: String?, _ environment: [String: String]) throws -> ListenAddress? {
        try ListenAddress.parse(option ?? environment["KONG_STATUS_LISTEN"] ?? "127.0.0.1:8007")
    }
}

/// What a configuration may use.
struct LoadingOptions: ParsableArguments {
    @Flag(help: "Skip plugins of Kong that this gateway lacks, with a warning, instead of refusing the file.") var allowUnsupported = false
    @Option(name: .customLong("allow-env"), help: "Environment variable that ${{ env \"NAME\" }} may read beside DECK_…, repeatable.") var allowedVariables: [String] = []

    var resolved: ConfigurationLoaderOptions {
        var options = ConfigurationLoaderOptions()
        options.allowsUnsupported = self.allowUnsupported
        options.allowedEnvironmentNames = Set(self.allowedVariables)
        options.defaultRouteProtocols = ConfigurationLoaderOptions.plaintextToo
        return options
    }
}

extension ConfigurationLoaderOptions {
    /// Routes that name no protocols take both, as in Kong up to 3.13: files written for those versions mean it, and 3.14's https alone
    /// would answer 426 to every plaintext client. One of the README's listed deviations.
    static let plaintextToo: [TrafficProtocol] = [.http, .https]
}
