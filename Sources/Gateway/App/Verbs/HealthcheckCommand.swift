import ArgumentParser
import SideClient

/// `pellucid healthcheck`: whether a gateway on this machine is ready; for containers, whose image has no curl.
struct HealthcheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "healthcheck", abstract: "Exit 0 when the gateway's status listener says it is ready.")

    @Option(name: .customLong("status-listen"), help: "Address of the status listener.") var status = "127.0.0.1:8007"

    mutating func run() async throws {
        let client = SideClient()
        let request = SideRequest(method: "GET", url: "http://\(self.status)/status/ready", totalTimeoutMilliseconds: 3000)
        guard case .success(let response) = await client.send(request), response.status == 200 else { throw ExitCode(1) }
    }
}
