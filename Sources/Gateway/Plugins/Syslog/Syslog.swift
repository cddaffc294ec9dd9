public import GatewayCore
public import Telemetry

/// `syslog`: a JSON object for every finished request to the syslog of the machine. https://developer.konghq.com/plugins/syslog/
public final class Syslog: LogPlugin {
    public typealias Field = NoEvidence
    public static let descriptor = PluginDescriptor(name: "syslog", priority: 4)
    public let sink: (any EvidenceConsumer)?
    public let recordedHeaders: Set<String>

    public init(configuration: SyslogConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.recordedHeaders = LogFieldScript.headers(in: configuration.customFieldsByLua)
        self.sink = try LogFieldScript.apply(configuration.customFieldsByLua, services) {
            services.sinks.sink(
                .syslog(
                    SyslogSettings(
                        facility: configuration.facility.code, logLevel: configuration.logLevel.code, successfulSeverity: configuration.successfulSeverity.code,
                        clientErrorsSeverity: configuration.clientErrorsSeverity.code, serverErrorsSeverity: configuration.serverErrorsSeverity.code)))
        }
    }
}

/// Configuration of `syslog`. Names, choices and defaults: Kong 3.15; codes: RFC 5424, tables 1 and 2.
public struct SyslogConfiguration: GatewayConfiguration, Hashable {
    public let facility: Facility
    /// Lines less severe than this are left out. Default info.
    public let logLevel: Severity
    /// Of requests with a status below 400. Default info.
    public let successfulSeverity: Severity
    /// Of requests with a status from 400 to 499. Default info.
    public let clientErrorsSeverity: Severity
    /// Of requests with a status from 500. Default info.
    public let serverErrorsSeverity: Severity

    /// In the order of their codes.
    public enum Severity: String, Sendable, Hashable, CaseIterable {
        case emerg, alert, crit, err, warning, notice, info, debug

        var code: Int { Severity.allCases.firstIndex(of: self) ?? 6 }
    }

    public enum Facility: String, Sendable, Hashable, CaseIterable {
        case kern, user, mail, daemon, auth, syslog, lpr, news, uucp, cron, authpriv, ftp
        case local0, local1, local2, local3, local4, local5, local6, local7

        /// 0 to 11 in order, then 16 to 23.
        var code: Int {
            let index = Facility.allCases.firstIndex(of: self) ?? 1
            return index < 12 ? index : index + 4
        }
    }

    /// Fields to change in the line, by name, as Lua code.
    public let customFieldsByLua: [String: String]

    public init(from node: inout ConfigurationNode) {
        self.facility = node.choice("facility", default: .user)
        self.logLevel = node.choice("log_level", default: .info)
        self.successfulSeverity = node.choice("successful_severity", default: .info)
        self.clientErrorsSeverity = node.choice("client_errors_severity", default: .info)
        self.serverErrorsSeverity = node.choice("server_errors_severity", default: .info)
        self.customFieldsByLua = node.optionalLuaMap("custom_fields_by_lua")
    }
}
