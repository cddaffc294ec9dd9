import GatewayCore

/// `propagation` and its deprecated forerunners `header_type` and `default_header_type`, as `opentelemetry` and `zipkin` have them.
public struct PropagationConfiguration: Sendable, Hashable {
    /// Formats read, in order; nil reads none.
    public let extract: [ExtractFormat]?
    /// Formats written; nil writes none.
    public let inject: [InjectFormat]?
    /// Headers removed before anything is written.
    public let clear: [String]
    /// Written by `preserve` when nothing was read.
    public let defaultFormat: DefaultFormat
    /// Deprecated by Kong in favour of the others; counts where none of them is given. Default preserve.
    public let headerType: HeaderType

    public enum ExtractFormat: String, Sendable, Hashable, CaseIterable { case w3c, b3, jaeger, ot, aws, gcp, datadog, instana }
    public enum InjectFormat: String, Sendable, Hashable, CaseIterable {
        case preserve, w3c, b3
        case b3Single = "b3-single"
        case jaeger, ot, aws, gcp, datadog, instana
    }
    public enum DefaultFormat: String, Sendable, Hashable, CaseIterable {
        case w3c, b3
        case b3Single = "b3-single"
        case jaeger, ot, aws, gcp, datadog, instana
    }
    public enum HeaderType: String, Sendable, Hashable, CaseIterable {
        case preserve, ignore, b3
        case b3Single = "b3-single"
        case w3c, jaeger, ot, aws, gcp, datadog, instana
    }

    /// - Parameter node: the plugin's configuration.
    init(from node: inout ConfigurationNode, defaultFormat: DefaultFormat, hasDefaultHeaderType: Bool = false) {
        let own = node.objectOrDefaults("propagation") { inner -> (extract: [ExtractFormat]?, inject: [InjectFormat]?, clear: [String], format: DefaultFormat, isSet: Bool) in
            let extract: [ExtractFormat]? = inner.optionalChoices("extract")
            let inject: [InjectFormat]? = inner.optionalChoices("inject")
            let isSet = inner.isPresent("default_format")
            return (extract, inject, inner.strings("clear", .nonEmpty), inner.choice("default_format", default: defaultFormat), isSet)
        }
        self.extract = own.extract
        self.inject = own.inject
        self.clear = own.clear
        if node.isPresent("header_type") { node.warn("is deprecated by Kong", at: "header_type", hint: "use propagation") }
        self.headerType = node.choice("header_type", default: .preserve)
        var format = own.format
        if hasDefaultHeaderType {
            if node.isPresent("default_header_type") { node.warn("is deprecated by Kong", at: "default_header_type", hint: "use propagation.default_format") }
            let older: DefaultFormat = node.choice("default_header_type", default: defaultFormat)
            if !own.isSet { format = older }
        }
        self.defaultFormat = format
    }

    /// What Kong makes of it (kong/observability/tracing/propagation/init.lua, `get_plugin_params`): the newer fields as they are where one is
    /// given, else what `header_type` stands for.
    func rules(traceIDBytes: Int = 16, responseHeader: String? = nil) -> TracePropagation {
        func make(_ extract: [TraceFormat], _ inject: [TracePropagation.Injection]) -> TracePropagation {
            TracePropagation(
                extract: extract, inject: inject, clear: self.clear, defaultFormat: TraceFormat(rawValue: self.defaultFormat.rawValue) ?? .w3c, traceIDBytes: traceIDBytes,
                responseHeader: responseHeader)
        }
        if self.extract != nil || self.inject != nil || !self.clear.isEmpty {
            let inject = (self.inject ?? []).map { format in TraceFormat(rawValue: format.rawValue).map { TracePropagation.Injection.format($0) } ?? .preserve }
            return make((self.extract ?? []).compactMap { TraceFormat(rawValue: $0.rawValue) }, inject)
        }
        let all: [TraceFormat] = [.b3, .w3c, .jaeger, .ot, .datadog, .aws, .gcp]
        switch self.headerType {
        case .preserve: return make(all, [.preserve])
        case .ignore: return make([], [.format(TraceFormat(rawValue: self.defaultFormat.rawValue) ?? .w3c)])
        default: return make(all, [.preserve, .format(TraceFormat(rawValue: self.headerType.rawValue) ?? .w3c)])
        }
    }
}
