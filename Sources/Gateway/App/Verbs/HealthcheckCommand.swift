import ArgumentParser
import GatewayTransport
import SideClient

/// `pellucid healthcheck`: whether a gateway on this machine is ready; for containers, whose image has no curl.
struct HealthcheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "healthcheck", abstract: "Exit 0 when the gateway's status listener says it is ready.")

    @Option(name: .customLong("status-listen"), help: "Address of the status listener, as `run` takes it (default: KONG_STATUS_LISTEN, else 127.0.0.1:8007).") var status: String?

    mutating func run() async throws {
        guard let address = try ListenerOptions.statusAddress(self.status, ProcessEnvironment.current) else { throw self.cannotAsk("there is no status listener: off") }
        guard !address.options.readsProxyHeader else { throw self.cannotAsk("the status listener at \(address.text) expects a load balancer's PROXY header") }
        let scheme = address.options.isTLS ? "https" : "http"
        // The certificate is for the names that others use, and the environment's proxy for what is not on this machine.
        let request = SideRequest(
            method: "GET", url: "\(scheme)://\(address.reachable.text)/status/ready", totalTimeoutMilliseconds: 3000, tls: SideTLSOptions(verifiesPeer: false), proxy: "")
        guard case .success(let response) = await SideClient().send(request), response.status == 200 else { throw ExitCode(1) }
    }

    /// Containers know 0 and 1 only.
    private func cannotAsk(_ reason: String) -> ExitCode {
        StandardError.print(reason)
        return ExitCode(1)
    }
}
