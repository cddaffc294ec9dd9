/// The dashboards that are shipped in `dashboards/` and written by `pellucid dashboards generate`.
enum DashboardCatalog {
    static let all: [Dashboard] = [overview, models, guards, streaming, providers, upstreams, telemetry]

    private static let window = "[$__rate_interval]"
    private static let chosen = "{pellucid_route=~\"$route\"}"

    /// Requests, tokens or whatever a counter counts, a second.
    private static func rate(_ metric: String, by labels: String, where matchers: String = chosen) -> String { "sum by (\(labels)) (rate(\(metric)\(matchers)\(self.window)))" }

    private static func quantile(_ quantile: String, _ metric: String, by labels: String, where matchers: String = chosen) -> String {
        "histogram_quantile(\(quantile), sum by (\(labels), le) (rate(\(metric)_bucket\(matchers)\(self.window))))"
    }

    /// A panel of quantiles with exemplars.
    private static func quantiles(
        _ title: String, _ metric: String, by labels: String, where matchers: String = chosen, at quantiles: [String] = ["0.5", "0.95", "0.99"], unit: String = "s",
        description: String = ""
    ) -> DashboardPanel {
        let names = labels.split(separator: ",").map { "{{" + $0.filter { $0 != " " } + "}}" }.joined(separator: " ")
        var queries: [(expression: String, legend: String)] = []
        for quantile in quantiles {
            // "0.95" is p95, "0.5" is p50.
            let digits = String(quantile.dropFirst(2))
            let percent = digits.count == 1 ? digits + "0" : digits
            queries.append((self.quantile(quantile, metric, by: labels, where: matchers), "\(names) p\(percent)"))
        }
        return DashboardPanel(title: title, description: description, unit: unit, queries: queries, hasExemplars: true)
    }

    private static let overview = Dashboard(
        name: "overview", title: "overview",
        panels: [
            DashboardPanel(title: "Requests by outcome", unit: "reqps", queries: [(rate("pellucid_requests_finished_total", by: "outcome"), "{{outcome}}")]),
            quantiles("Request duration", "http_server_request_duration_seconds", by: "pellucid_route"),
            quantiles(
                "Time the gateway added", "pellucid_overhead_duration_seconds", by: "pellucid_route", at: ["0.5", "0.99"],
                description: "Wall time minus the union of the upstream intervals; stages that wait for guard services are part of it."),
            DashboardPanel(title: "Status codes", unit: "reqps", queries: [(rate("http_server_request_duration_seconds_count", by: "http_response_status_code"), "{{http_response_status_code}}")]),
            DashboardPanel(
                title: "Why requests failed or were refused", unit: "reqps",
                queries: [(rate("http_server_request_duration_seconds_count", by: "error_type", where: "{pellucid_route=~\"$route\",error_type!=\"\"}"), "{{error_type}}")]),
            quantiles("Stages", "pellucid_stage_duration_seconds", by: "plugin, phase", where: "", at: ["0.99"]),
            DashboardPanel(
                title: "Tokens by model", unit: "short",
                queries: [(rate("gen_ai_client_token_usage_sum", by: "gen_ai_response_model, gen_ai_token_type"), "{{gen_ai_response_model}} {{gen_ai_token_type}}")]),
            DashboardPanel(
                title: "Cost per hour", unit: "short",
                queries: [(rate("pellucid_cost_total", by: "gen_ai_request_model, pellucid_consumer") + " * 3600", "{{gen_ai_request_model}} {{pellucid_consumer}}")]),
            quantiles("Time to first token", "gen_ai_server_time_to_first_token_seconds", by: "gen_ai_response_model", at: ["0.95"]),
            quantiles("Providers: duration", "gen_ai_client_operation_duration_seconds", by: "gen_ai_provider_name, gen_ai_response_model", at: ["0.95"]),
            DashboardPanel(
                title: "Evidence delivered and dropped", unit: "reqps",
                queries: [
                    (rate("pellucid_telemetry_delivered_total", by: "consumer", where: ""), "{{consumer}}"),
                    (rate("pellucid_telemetry_dropped_total", by: "consumer, reason", where: ""), "{{consumer}} dropped: {{reason}}"),
                ]),
            DashboardPanel(
                title: "Unaccounted requests (must be 0)", unit: "short",
                queries: [("sum(pellucid_requests_unaccounted)", "unaccounted"), ("sum(pellucid_requests_in_flight)", "in flight")]),
        ])

    private static let models = Dashboard(
        name: "llm", title: "models, tokens and cost", isForModels: true,
        panels: [
            DashboardPanel(
                title: "Operations by model", unit: "reqps",
                queries: [(rate("gen_ai_client_operation_duration_seconds_count", by: "gen_ai_provider_name, gen_ai_request_model"), "{{gen_ai_provider_name}}/{{gen_ai_request_model}}")]),
            DashboardPanel(
                title: "Tokens a second", unit: "short",
                queries: [(rate("gen_ai_client_token_usage_sum", by: "gen_ai_request_model, gen_ai_token_type"), "{{gen_ai_request_model}} {{gen_ai_token_type}}")]),
            DashboardPanel(
                title: "Where token counts come from", description: "provider_reported is exact; estimated and partial stand for streams that were cut or cancelled.", unit: "short",
                queries: [(rate("gen_ai_client_token_usage_sum", by: "pellucid_usage_source"), "{{pellucid_usage_source}}")]),
            DashboardPanel(
                title: "Cost per hour by model", unit: "short", queries: [(rate("pellucid_cost_total", by: "gen_ai_provider_name, gen_ai_request_model") + " * 3600", "{{gen_ai_provider_name}}/{{gen_ai_request_model}}")]),
            DashboardPanel(title: "Cost per hour by consumer", unit: "short", queries: [(rate("pellucid_cost_total", by: "pellucid_consumer") + " * 3600", "{{pellucid_consumer}}")]),
            DashboardPanel(
                title: "Cost of one request", unit: "short",
                queries: [
                    (
                        "sum by (gen_ai_request_model) (rate(pellucid_cost_total\(chosen)\(window))) / sum by (gen_ai_request_model) (rate(gen_ai_client_operation_duration_seconds_count\(chosen)\(window)))",
                        "{{gen_ai_request_model}}"
                    )
                ]),
            quantiles("Tokens of one operation", "gen_ai_client_token_usage", by: "gen_ai_token_type", at: ["0.5", "0.95"], unit: "short"),
            quantiles("Operation duration", "gen_ai_client_operation_duration_seconds", by: "gen_ai_request_model"),
            DashboardPanel(
                title: "Operations that failed", unit: "reqps",
                queries: [
                    (
                        rate("gen_ai_client_operation_duration_seconds_count", by: "gen_ai_provider_name, error_type", where: "{pellucid_route=~\"$route\",error_type!=\"\"}"),
                        "{{gen_ai_provider_name}} {{error_type}}"
                    )
                ]),
        ])

    private static let guards = Dashboard(
        name: "guards", title: "guards and verdicts", hasRoutes: false,
        panels: [
            DashboardPanel(
                title: "Refused by plugin", unit: "reqps", queries: [(rate("pellucid_stage_duration_seconds_count", by: "plugin, phase", where: "{outcome=\"rejected\"}"), "{{plugin}} {{phase}}")]),
            DashboardPanel(
                title: "Changed by plugin", unit: "reqps", queries: [(rate("pellucid_stage_duration_seconds_count", by: "plugin, phase", where: "{outcome=\"modified\"}"), "{{plugin}} {{phase}}")]),
            DashboardPanel(
                title: "Stages that failed or were forgotten", description: "abandoned is a defect of a plugin: its record was dropped without an outcome.", unit: "reqps",
                queries: [(rate("pellucid_stage_duration_seconds_count", by: "plugin, phase, outcome", where: "{outcome=~\"failed|abandoned\"}"), "{{plugin}} {{phase}} {{outcome}}")]),
            DashboardPanel(
                title: "Share of requests refused", unit: "percentunit",
                queries: [
                    (
                        "sum by (plugin) (rate(pellucid_stage_duration_seconds_count{outcome=\"rejected\",phase=\"request\"}\(window))) / sum by (plugin) (rate(pellucid_stage_duration_seconds_count{phase=\"request\"}\(window)))",
                        "{{plugin}}"
                    )
                ]),
            quantiles("Time of stages", "pellucid_stage_duration_seconds", by: "plugin, phase", where: "", at: ["0.5", "0.99"]),
            DashboardPanel(title: "All stages by outcome", unit: "reqps", queries: [(rate("pellucid_stage_duration_seconds_count", by: "plugin, outcome", where: ""), "{{plugin}} {{outcome}}")]),
        ])

    private static let streaming = Dashboard(
        name: "streaming", title: "streaming latency", isForModels: true,
        panels: [
            quantiles(
                "Time to first token, as clients see it", "gen_ai_server_time_to_first_token_seconds", by: "gen_ai_response_model",
                description: "From the start of the request to the first token handed to the client."),
            quantiles(
                "Time to first chunk, as the gateway sees it", "gen_ai_client_operation_time_to_first_chunk_seconds", by: "gen_ai_provider_name, gen_ai_response_model", at: ["0.5", "0.95"],
                description: "From the request's last byte sent to the provider to the first chunk from it."),
            quantiles("Time per output token", "gen_ai_server_time_per_output_token_seconds", by: "gen_ai_response_model", at: ["0.5", "0.95"]),
            quantiles("Gap between chunks", "gen_ai_client_operation_time_per_output_chunk_seconds", by: "gen_ai_response_model", at: ["0.5", "0.99"]),
            DashboardPanel(
                title: "Clients that left", unit: "reqps", queries: [(rate("pellucid_requests_finished_total", by: "pellucid_route", where: "{pellucid_route=~\"$route\",outcome=\"cancelled\"}"), "{{pellucid_route}}")]),
            DashboardPanel(title: "Requests in flight", unit: "short", queries: [("sum(pellucid_requests_in_flight)", "in flight"), ("sum by (side) (pellucid_connections_open)", "connections, {{side}}")]),
        ])

    private static let providers = Dashboard(
        name: "providers", title: "providers and failover", isForModels: true,
        panels: [
            quantiles("Duration by provider", "gen_ai_client_operation_duration_seconds", by: "gen_ai_provider_name, server_address", at: ["0.5", "0.95"]),
            DashboardPanel(
                title: "Errors by provider", unit: "percentunit",
                queries: [
                    (
                        "sum by (gen_ai_provider_name) (rate(gen_ai_client_operation_duration_seconds_count{pellucid_route=~\"$route\",error_type!=\"\"}\(window))) / sum by (gen_ai_provider_name) (rate(gen_ai_client_operation_duration_seconds_count\(chosen)\(window)))",
                        "{{gen_ai_provider_name}}"
                    )
                ]),
            DashboardPanel(
                title: "What failed", unit: "reqps",
                queries: [
                    (
                        rate("gen_ai_client_operation_duration_seconds_count", by: "gen_ai_provider_name, server_address, error_type", where: "{pellucid_route=~\"$route\",error_type!=\"\"}"),
                        "{{gen_ai_provider_name}} {{server_address}} {{error_type}}"
                    )
                ]),
            DashboardPanel(
                title: "Attempts per request", description: "Above 1: retries and failovers.", unit: "short",
                queries: [
                    (
                        "sum by (pellucid_route) (rate(gen_ai_client_operation_duration_seconds_count\(chosen)\(window))) / sum by (pellucid_route) (rate(gen_ai_server_request_duration_seconds_count\(chosen)\(window)))",
                        "{{pellucid_route}}"
                    )
                ]),
            DashboardPanel(
                title: "What is left of the providers' limits", description: "By their last answer, of the gateways that had one: nothing is known of what else the account is used for.", unit: "short",
                queries: [
                    (
                        "min by (gen_ai_provider_name, gen_ai_request_model, pellucid_provider_ratelimit_kind) (pellucid_provider_ratelimit_remaining)",
                        "{{gen_ai_provider_name}}/{{gen_ai_request_model}} {{pellucid_provider_ratelimit_kind}}"
                    )
                ]),
            DashboardPanel(title: "Upstream connections", unit: "reqps", queries: [(rate("pellucid_upstream_connections_total", by: "reused", where: ""), "reused: {{reused}}")]),
            DashboardPanel(
                title: "Operations by server", unit: "reqps", queries: [(rate("gen_ai_client_operation_duration_seconds_count", by: "server_address, server_port"), "{{server_address}}:{{server_port}}")]),
            DashboardPanel(
                title: "Balancer: attempts by target", unit: "reqps", queries: [(rate("pellucid_balancer_selections_total", by: "pellucid_balancer_target"), "{{pellucid_balancer_target}}")]),
            DashboardPanel(
                title: "Balancer: failures by target", unit: "reqps",
                queries: [(rate("pellucid_balancer_failures_total", by: "pellucid_balancer_target, error_type"), "{{pellucid_balancer_target}} {{error_type}}")]),
            DashboardPanel(
                title: "Balancer: circuits", description: "0 closed, 1 half open, 2 open.", unit: "short",
                queries: [("max by (pellucid_plugin_id, pellucid_balancer_target) (pellucid_balancer_circuit)", "{{pellucid_plugin_id}} {{pellucid_balancer_target}}")]),
        ])

    private static let upstreams = Dashboard(
        name: "upstreams", title: "upstreams and names", hasRoutes: false,
        panels: [
            DashboardPanel(
                title: "Targets out of service", description: "By the health checks of the configuration's upstreams.", unit: "short",
                queries: [("1 - max by (upstream, target) (pellucid_upstream_target_healthy)", "{{upstream}} {{target}}")]),
            DashboardPanel(title: "Attempts under way", unit: "short", queries: [("sum by (upstream, target) (pellucid_upstream_target_in_flight)", "{{upstream}} {{target}}")]),
            DashboardPanel(
                title: "Names resolved, by source", description: "stale: past its time, served while a new answer is asked for.", unit: "reqps",
                queries: [(rate("pellucid_dns_answers_total", by: "source", where: ""), "{{source}}")]),
            DashboardPanel(
                title: "Lookups that failed", unit: "reqps",
                queries: [(rate("dns_lookup_duration_seconds_count", by: "dns_question_name, error_type", where: "{error_type!=\"\"}"), "{{dns_question_name}} {{error_type}}")]),
            DashboardPanel(
                title: "Time of lookups", unit: "s",
                queries: [(quantile("0.95", "dns_lookup_duration_seconds", by: "dns_question_name", where: ""), "{{dns_question_name}} p95")]),
            DashboardPanel(title: "Connections", unit: "reqps", queries: [(rate("pellucid_upstream_connections_total", by: "reused", where: ""), "reused: {{reused}}")]),
        ])

    private static let telemetry = Dashboard(
        name: "telemetry", title: "telemetry health", hasRoutes: false,
        panels: [
            DashboardPanel(title: "Unaccounted requests (must be 0)", unit: "short", queries: [("pellucid_requests_unaccounted", "{{instance}}")]),
            DashboardPanel(title: "Delivered", unit: "reqps", queries: [(rate("pellucid_telemetry_delivered_total", by: "consumer", where: ""), "{{consumer}}")]),
            DashboardPanel(
                title: "Dropped", unit: "reqps",
                queries: [
                    (rate("pellucid_telemetry_dropped_total", by: "consumer, reason", where: ""), "{{consumer}}: {{reason}}"),
                    ("sum(rate(pellucid_telemetry_refused_total\(window)))", "rings full"),
                ]),
            DashboardPanel(title: "Waiting for delivery", unit: "short", queries: [("sum by (consumer, signal, place) (pellucid_export_queue_items)", "{{consumer}} {{signal}} {{place}}")]),
            DashboardPanel(title: "Waiting for delivery, bytes", unit: "bytes", queries: [("sum by (consumer, place) (pellucid_export_queue_size_bytes)", "{{consumer}} {{place}}")]),
            DashboardPanel(
                title: "Time to delivery", unit: "s",
                queries: [(quantile("0.95", "pellucid_export_delay_seconds", by: "consumer, signal", where: ""), "{{consumer}} {{signal}} p95")]),
            DashboardPanel(title: "Spool cannot be written", unit: "short", queries: [("max by (consumer, signal) (pellucid_spool_degraded)", "{{consumer}} {{signal}}")]),
            DashboardPanel(
                title: "Sampling decisions", unit: "reqps", queries: [(rate("pellucid_sampling_decisions_total", by: "decision, reason", where: ""), "{{decision}}: {{reason}}")]),
            DashboardPanel(
                title: "Exports by result", description: "Spans, log records and data points a second.", unit: "short",
                queries: [
                    (rate("otel_sdk_exporter_span_exported_total", by: "otel_component_name, error_type", where: ""), "{{otel_component_name}} {{error_type}}"),
                    (rate("otel_sdk_exporter_log_exported_total", by: "otel_component_name", where: ""), "{{otel_component_name}}"),
                    (rate("otel_sdk_exporter_metric_data_point_exported_total", by: "otel_component_name", where: ""), "{{otel_component_name}}"),
                ]),
            DashboardPanel(
                title: "Time of exports", unit: "s",
                queries: [(quantile("0.95", "otel_sdk_exporter_operation_duration_seconds", by: "otel_component_name", where: ""), "{{otel_component_name}} p95")]),
            DashboardPanel(
                title: "Queues in memory, share used", description: "At 1 newer evidence is dropped; half full goes to the spool.", unit: "percentunit",
                queries: [
                    (
                        "max by (otel_component_name) (otel_sdk_processor_span_queue_size / otel_sdk_processor_span_queue_capacity)", "{{otel_component_name}}"
                    ),
                    ("max by (otel_component_name) (otel_sdk_processor_log_queue_size / otel_sdk_processor_log_queue_capacity)", "{{otel_component_name}}"),
                ]),
            DashboardPanel(
                title: "Items given up", description: "Spans, log records and data points that will not be delivered.", unit: "short",
                queries: [(rate("pellucid_export_dropped_total", by: "consumer, signal, reason", where: ""), "{{consumer}} {{signal}}: {{reason}}")]),
            DashboardPanel(title: "Audit lines written", unit: "short", queries: [("rate(pellucid_audit_head_seq\(window))", "{{instance}}")]),
            DashboardPanel(title: "CPU", description: "In cores.", unit: "short", queries: [("rate(process_cpu_seconds_total\(window))", "{{instance}}")]),
            DashboardPanel(title: "Memory", unit: "bytes", queries: [("process_resident_memory_bytes", "{{instance}}")]),
            DashboardPanel(title: "Open descriptors", unit: "short", queries: [("process_open_fds", "{{instance}}")]),
        ])
}
