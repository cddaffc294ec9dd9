/// The settings of Kong's kong.conf that this gateway has, each from the environment as `KONG_` and the name in capitals
/// (https://developer.konghq.com/gateway/configuration/, 3.15).
enum KongSetting: String, CaseIterable {
    case declarativeConfig = "declarative_config"
    case proxyListen = "proxy_listen"
    case adminListen = "admin_listen"
    case statusListen = "status_listen"
    case nginxWorkerProcesses = "nginx_worker_processes"
    case logLevel = "log_level"
    case sslCipherSuite = "ssl_cipher_suite"
    case sslCiphers = "ssl_ciphers"
    case sslProtocols = "ssl_protocols"
    case sslCert = "ssl_cert"
    case sslCertKey = "ssl_cert_key"
    case clientSSL = "client_ssl"
    case clientSSLCert = "client_ssl_cert"
    case clientSSLCertKey = "client_ssl_cert_key"
    case luaSSLTrustedCertificate = "lua_ssl_trusted_certificate"
    case trustedIPs = "trusted_ips"
    case realIPHeader = "real_ip_header"
    case realIPRecursive = "real_ip_recursive"
    case upstreamKeepalivePoolSize = "upstream_keepalive_pool_size"
    case upstreamKeepaliveMaxRequests = "upstream_keepalive_max_requests"
    case upstreamKeepaliveIdleTimeout = "upstream_keepalive_idle_timeout"
    case clientMaxBodySize = "nginx_http_client_max_body_size"
    case keepaliveRequests = "nginx_http_keepalive_requests"
    case dnsResolver = "dns_resolver"
    case dnsHostsfile = "dns_hostsfile"
    case dnsOrder = "dns_order"
    case dnsValidTTL = "dns_valid_ttl"
    case dnsStaleTTL = "dns_stale_ttl"
    case dnsNotFoundTTL = "dns_not_found_ttl"
    case dnsErrorTTL = "dns_error_ttl"
    case resolverAddress = "resolver_address"
    case resolverHostsFile = "resolver_hosts_file"
    case resolverFamily = "resolver_family"
    case resolverValidTTL = "resolver_valid_ttl"
    case resolverStaleTTL = "resolver_stale_ttl"
    case resolverErrorTTL = "resolver_error_ttl"

    var variable: String { "KONG_" + self.rawValue.uppercased() }

    /// How it is honoured where that is not exactly Kong's way.
    var note: String {
        switch self {
        case .sslCiphers, .sslProtocols: "with `ssl_cipher_suite` custom, as in Kong; protocols are a range from the least to the greatest named"
        case .sslCert, .sslCertKey: "the first of several"
        case .dnsOrder, .resolverFamily: "whether A, AAAA and SRV records are asked for (default: A and AAAA; SRV for names that begin with an underscore)"
        case .nginxWorkerProcesses: "the number of event loops; `auto`: one a core"
        case .clientMaxBodySize: "beside `_pellucid.limits.body_bytes`, the smaller of the two"
        case .luaSSLTrustedCertificate: "one file, besides the system's authorities"
        case .upstreamKeepalivePoolSize: "a loop and endpoint; 0 keeps no connection"
        default: ""
        }
    }

    /// Why a setting of Kong has no effect here, by the beginning of its name; the longest that fits counts.
    static let reasons: [(prefix: String, reason: String)] = [
        ("pg_", "there is no database: the declarative file, or the Admin API's own store, holds the configuration"),
        ("db_", "there is no database"), ("database", "there is no database: leave it out, or `off`"), ("lmdb_", "there is no database"),
        ("cluster_", "there are no control and data planes: every node reads its configuration itself"), ("role", "there are no control and data planes"),
        ("incremental_sync", "there are no control and data planes"), ("admin_gui", "the console has settings of its own"), ("portal", "there is no developer portal"),
        ("smtp_", "there are no e-mails"), ("admin_emails", "there are no e-mails"), ("admin_invitation", "there are no administrators"), ("rbac", "there is no RBAC"),
        ("enforce_rbac", "there is no RBAC"), ("keyring_", "there is no database to encrypt"), ("stream_", "stream traffic is not proxied by an AI gateway"),
        ("proxy_stream", "stream traffic is not proxied by an AI gateway"), ("lua_", "plugins are built in; there is no Lua runtime of nginx"),
        ("untrusted_lua", "Lua in values runs in its own sandbox"), ("nginx_", "there is no nginx; `_pellucid.limits` and `_pellucid.timeouts` hold what corresponds"),
        ("pluginserver", "plugins are built in"), ("plugins", "every plugin of this build is there"), ("audit_log", "every request is in the audit log; see `_pellucid.audit`"),
        ("vault_", "references read `{vault://env/…}` and `vaults` of the types `env` and `fs`; others are refused"), ("analytics", "there is no Konnect"), ("konnect", "there is no Konnect"),
        ("anonymous_reports", "nothing is ever reported to anybody"), ("mem_cache_size", "memory is not reserved"), ("lru_cache", "memory is not reserved"),
        ("router_flavor", "the router is traditional_compatible; expressions are refused"), ("opentelemetry_tracing", "see the `opentelemetry` plugin and OTEL_* variables"),
        ("tracing_", "see the `opentelemetry` plugin and OTEL_* variables"), ("proxy_server", "see HTTPS_PROXY and NO_PROXY"), ("prefix", "see `--state-dir`"),
        ("proxy_access_log", "see `_pellucid.audit` and the log plugins"), ("proxy_error_log", "the diagnostic log goes to standard error"),
    ]

    static func reason(for name: String) -> String {
        self.reasons.filter { name.hasPrefix($0.prefix) }.max { $0.prefix.utf8.count < $1.prefix.utf8.count }?.reason ?? "has no counterpart"
    }
}

/// Reads Kong's settings from an environment, and remembers what is wrong with them.
struct KongSettings {
    let environment: [String: String]
    private(set) var problems: [String] = []

    init(_ environment: [String: String]) { self.environment = environment }

    /// The value, where there is one that is not empty.
    func text(_ setting: KongSetting) -> String? { self.environment[setting.variable].flatMap { $0.isEmpty ? nil : $0 } }

    /// The first that is set.
    func text(_ settings: KongSetting...) -> String? { settings.lazy.compactMap { self.text($0) }.first }

    mutating func int(_ setting: KongSetting, in range: ClosedRange<Int>) -> Int? {
        guard let text = self.text(setting) else { return nil }
        if let value = Int(text), range.contains(value) { return value }
        self.problems.append("\(setting.variable): \"\(text)\" is not a number from \(range.lowerBound) to \(range.upperBound)")
        return nil
    }

    mutating func seconds(_ settings: KongSetting...) -> Double? {
        for setting in settings {
            guard let text = self.text(setting) else { continue }
            if let value = Double(text), value >= 0, value <= 1e8 { return value }
            self.problems.append("\(setting.variable): \"\(text)\" is not a number of seconds")
        }
        return nil
    }

    mutating func flag(_ setting: KongSetting) -> Bool? {
        guard let text = self.text(setting) else { return nil }
        switch text.lowercased() {
        case "on", "true": return true
        case "off", "false": return false
        default:
            self.problems.append("\(setting.variable): \"\(text)\" is not on or off")
            return nil
        }
    }

    /// nginx' sizes: a number of bytes, or with k, m or g.
    mutating func bytes(_ setting: KongSetting) -> Int? {
        guard let text = self.text(setting)?.lowercased() else { return nil }
        let units: [Character: Int] = ["k": 1 << 10, "m": 1 << 20, "g": 1 << 30]
        let factor = text.last.flatMap { units[$0] }
        if let value = Int(factor == nil ? text[...] : text.dropLast()), value >= 0, value < 1 << 40 { return value * (factor ?? 1) }
        self.problems.append("\(setting.variable): \"\(text)\" is not a size: expected a number, perhaps with k, m or g")
        return nil
    }

    mutating func report(_ problem: String) { self.problems.append(problem) }
}
