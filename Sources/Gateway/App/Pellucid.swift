import ArgumentParser
import GatewayCore

/// The `pellucid` command.
@main
struct Pellucid: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pellucid", abstract: "An AI gateway you can see through.",
        discussion: """
            Reads Kong's declarative configuration, serves LLM providers and ordinary HTTP services, and leaves evidence of every stage of
            every request: Prometheus metrics, OTLP traces and a chained audit log.
            """,
        version: GatewayIdentity.version, subcommands: [RunCommand.self, DemoCommand.self, ValidateCommand.self, AuditCommand.self, PIICommand.self, ExplainCommand.self, DashboardsCommand.self, ConfigCommand.self, CompatibilityCommand.self, MetricsCommand.self, HealthcheckCommand.self, ModelsCommand.self])
}
