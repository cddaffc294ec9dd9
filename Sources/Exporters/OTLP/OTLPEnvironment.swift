internal import SideClient

/// What the `OTEL_*` variables ask for. Variables that cannot be used are problems, never crashes, and never shown with their value.
public struct OTLPEnvironment: Sendable {
    /// A variable that is ignored, and why.
    public struct Problem: Sendable, Equatable {
        public let variable: String
        public let message: String
    }

    /// How to export the signal; nil when `OTEL_SDK_DISABLED=true`, `OTEL_TRACES_EXPORTER=none` (or the signal's own variable), or the
    /// protocol or endpoint cannot be used.
    public internal(set) var options: OTLPOptions?
    /// Whether the environment names an endpoint or the `otlp` exporter, so that export is wished for and not just possible.
    public internal(set) var isRequested = false
    /// Time between two exports of metrics, `OTEL_METRIC_EXPORT_INTERVAL`. Default 60,000 milliseconds.
    public internal(set) var metricIntervalMilliseconds = 60_000
    /// `OTEL_SDK_DISABLED=true`.
    public internal(set) var isDisabled = false
    /// The sampler, nil where the environment names none.
    public internal(set) var sampler: SamplerChoice?
    public internal(set) var problems: [Problem] = []
}

extension OTLPOptions {
    /// Reads the standard variables.
    /// Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ and …/specs/otel/protocol/exporter/
    ///
    /// A variable that is set to nothing counts as not set. A signal's own variable (`…_TRACES_…`) wins over the general one.
    public static func fromEnvironment(_ environment: [String: String], signal: ExportSignal = .traces) -> OTLPEnvironment {
        var reader = OTLPEnvironmentReader(environment, signal: signal)
        return reader.read()
    }
}

struct OTLPEnvironmentReader {
    private let environment: [String: String]
    private let signal: ExportSignal
    /// `TRACES`, `METRICS` or `LOGS`, as in variables.
    private let word: String
    private var result = OTLPEnvironment()
    private var options = OTLPOptions()
    private var isUsable = true

    init(_ environment: [String: String], signal: ExportSignal = .traces) {
        self.environment = environment
        self.signal = signal
        self.word = "\(signal.name)".uppercased()
        self.options.endpoint = "http://localhost:4318/v1/\(signal.name)"
    }

    mutating func read() -> OTLPEnvironment {
        self.result.isDisabled = self.value("OTEL_SDK_DISABLED")?.lowercased() == "true"
        let exports = self.readExporterName()
        if self.signal == .traces { self.readSampler() }
        self.readEndpoint()
        self.readProtocol()
        self.readHeaders()
        self.readTLS()
        self.readNumbers()
        self.readResource()
        self.result.options = exports && self.isUsable && !self.result.isDisabled ? self.options : nil
        if self.result.options == nil { self.result.isRequested = false }
        return self.result
    }

    private func value(_ name: String) -> String? {
        guard let raw = self.environment[name] else { return nil }
        let text = trim(raw[...])
        return text.isEmpty ? nil : String(text)
    }

    /// The signal's variable, else the general one; with the name that counted.
    private func exporterValue(_ suffix: String) -> (name: String, value: String)? {
        for name in ["OTEL_EXPORTER_OTLP_\(self.word)_\(suffix)", "OTEL_EXPORTER_OTLP_\(suffix)"] {
            if let value = self.value(name) { return (name, value) }
        }
        return nil
    }

    private mutating func problem(_ variable: String, _ message: String) {
        self.result.problems.append(OTLPEnvironment.Problem(variable: variable, message: message))
    }

    // MARK: Exporter and sampler

    private mutating func readExporterName() -> Bool {
        let variable = "OTEL_\(self.word)_EXPORTER"
        guard let list = self.value(variable) else { return true }
        var exports = false
        for name in list.split(separator: ",").map({ trim($0).lowercased() }) {
            switch name {
            case "otlp":
                exports = true
                self.result.isRequested = true
            case "none": break
            // What Prometheus scrapes is always there.
            case "prometheus" where self.signal == .metrics: break
            default: self.problem(variable, "supported exporters are otlp and none")
            }
        }
        return exports
    }

    private mutating func readSampler() {
        guard let name = self.value("OTEL_TRACES_SAMPLER")?.lowercased() else {
            if self.value("OTEL_TRACES_SAMPLER_ARG") != nil { self.problem("OTEL_TRACES_SAMPLER_ARG", "has no effect without OTEL_TRACES_SAMPLER") }
            return
        }
        let isParentBased = name.hasPrefix("parentbased_")
        switch isParentBased ? String(name.dropFirst("parentbased_".count)) : name {
        case "always_on": self.result.sampler = SamplerChoice(isParentBased: isParentBased, root: .alwaysOn)
        case "always_off": self.result.sampler = SamplerChoice(isParentBased: isParentBased, root: .alwaysOff)
        case "traceidratio": self.result.sampler = SamplerChoice(isParentBased: isParentBased, root: .ratio(self.readRatio()))
        default:
            self.problem(
                "OTEL_TRACES_SAMPLER",
                "supported samplers are always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off and parentbased_traceidratio")
        }
    }

    private mutating func readRatio() -> Double {
        guard let text = self.value("OTEL_TRACES_SAMPLER_ARG") else { return 1 }
        guard let ratio = Double(text), ratio >= 0, ratio <= 1 else {
            self.problem("OTEL_TRACES_SAMPLER_ARG", "must be a number from 0 to 1; 1 is used")
            return 1
        }
        return ratio
    }

    // MARK: Where

    private mutating func readEndpoint() {
        let own = "OTEL_EXPORTER_OTLP_\(self.word)_ENDPOINT"
        if let url = self.value(own) {
            self.result.isRequested = true
            guard self.isURL(url) else { return self.refuseEndpoint(own) }
            self.options.endpoint = url
        } else if let base = self.value("OTEL_EXPORTER_OTLP_ENDPOINT") {
            // A log record for every request is wished for expressly: with its own endpoint, or OTEL_LOGS_EXPORTER=otlp.
            if self.signal != .logs { self.result.isRequested = true }
            guard self.isURL(base), !base.contains("?"), !base.contains("#") else { return self.refuseEndpoint("OTEL_EXPORTER_OTLP_ENDPOINT") }
            self.options.endpoint = "\(base)\(base.hasSuffix("/") ? "" : "/")v1/\(self.signal.name)"
        }
    }

    private mutating func refuseEndpoint(_ variable: String) {
        self.isUsable = false
        self.problem(variable, "must be an http:// or https:// URL with a host")
    }

    private func isURL(_ text: String) -> Bool {
        let lower = text.lowercased()
        guard let scheme = ["http://", "https://"].first(where: { lower.hasPrefix($0) }) else { return false }
        let authority = text.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let hostAndPort = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }), let first = hostAndPort.first, first != ":" else { return false }
        // Behind the last colon that is not inside an IPv6 literal stands a port.
        guard let colon = hostAndPort.lastIndex(of: ":"), !hostAndPort[colon...].contains("]") else { return true }
        return UInt16(hostAndPort[hostAndPort.index(after: colon)...]).map { $0 > 0 } ?? false
    }

    private mutating func readProtocol() {
        if let (name, value) = self.exporterValue("PROTOCOL"), value != "http/protobuf" {
            self.isUsable = false
            self.problem(name, "only http/protobuf is supported")
        }
        if let (name, value) = self.exporterValue("COMPRESSION") {
            switch value.lowercased() {
            case "none": break
            case "gzip": self.options.isCompressed = true
            default: self.problem(name, "supported are gzip and none; bodies are sent uncompressed")
            }
        }
    }

    private mutating func readHeaders() {
        guard let (name, text) = self.exporterValue("HEADERS") else { return }
        var position = 0
        for member in text.split(separator: ",") {
            position += 1
            guard let (key, value) = pair(member), key.utf8.allSatisfy(isTokenByte), value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
                // The text may hold a credential, so it is not shown.
                self.problem(name, "member \(position) is not a name=value pair with a percent-encoded value; it is left out")
                continue
            }
            self.options.headers.append((key, value))
        }
    }

    private mutating func readTLS() {
        self.options.tls.authorityFile = self.exporterValue("CERTIFICATE")?.value
        self.options.tls.certificateFile = self.exporterValue("CLIENT_CERTIFICATE")?.value
        self.options.tls.keyFile = self.exporterValue("CLIENT_KEY")?.value
        if (self.options.tls.certificateFile == nil) != (self.options.tls.keyFile == nil) {
            self.problem("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "certificate and key of the client belong together; only one is given")
        }
    }

    // MARK: How much

    private mutating func number(_ name: String, _ text: String, _ range: ClosedRange<Int>) -> Int? {
        guard let number = Int(text), range.contains(number) else {
            self.problem(name, "must be a whole number from \(range.lowerBound) to \(range.upperBound); it is ignored")
            return nil
        }
        return number
    }

    private mutating func number(_ name: String, _ range: ClosedRange<Int>) -> Int? {
        guard let text = self.value(name) else { return nil }
        return self.number(name, text, range)
    }

    private mutating func readNumbers() {
        let hour = 3_600_000
        // The batching processor's variables: of spans, of log records; metrics have an interval instead.
        let prefix = self.signal == .logs ? "OTEL_BLRP" : "OTEL_BSP"
        let timeout = self.signal == .metrics ? "OTEL_METRIC_EXPORT_TIMEOUT" : "\(prefix)_EXPORT_TIMEOUT"
        if let (name, text) = self.exporterValue("TIMEOUT") {
            if let value = self.number(name, text, 1...hour) { self.options.timeoutMilliseconds = value }
        } else if let value = self.number(timeout, 1...hour) {
            self.options.timeoutMilliseconds = value
        }
        if self.signal == .metrics {
            if let value = self.number("OTEL_METRIC_EXPORT_INTERVAL", 1...(24 * hour)) { self.result.metricIntervalMilliseconds = value }
            return
        }
        if let value = self.number("\(prefix)_SCHEDULE_DELAY", 0...hour) { self.options.batchDelayMilliseconds = value }
        if let value = self.number("\(prefix)_MAX_QUEUE_SIZE", 1...100_000_000) { self.options.maximumQueuedSpans = value }
        if let value = self.number("\(prefix)_MAX_EXPORT_BATCH_SIZE", 1...1_000_000) { self.options.maximumBatchSpans = value }
        if self.options.maximumBatchSpans > self.options.maximumQueuedSpans {
            if self.value("\(prefix)_MAX_EXPORT_BATCH_SIZE") != nil {
                self.problem("\(prefix)_MAX_EXPORT_BATCH_SIZE", "must not be greater than \(prefix)_MAX_QUEUE_SIZE; the queue size is used")
            }
            self.options.maximumBatchSpans = self.options.maximumQueuedSpans
        }
    }

    private mutating func readResource() {
        if let text = self.value("OTEL_RESOURCE_ATTRIBUTES") {
            let pairs = text.split(separator: ",").map { pair($0) }
            // The specification: an error anywhere discards the whole value.
            if pairs.contains(where: { $0 == nil }) {
                self.problem("OTEL_RESOURCE_ATTRIBUTES", "is not a list of name=value pairs with percent-encoded values; all of it is ignored")
            } else {
                for case .some(let (name, value)) in pairs { self.options.setResource(name, value) }
            }
        }
        if let name = self.value("OTEL_SERVICE_NAME") { self.options.setResource("service.name", name) }
    }
}

private func trim(_ text: Substring) -> Substring {
    var text = text
    while let first = text.first, first == " " || first == "\t" { text = text.dropFirst() }
    while let last = text.last, last == " " || last == "\t" { text = text.dropLast() }
    return text
}

/// `name=value` of a W3C Baggage list, the value percent-decoded; nil when malformed.
private func pair(_ member: Substring) -> (String, String)? {
    guard let equals = member.firstIndex(of: "=") else { return nil }
    let name = trim(member[..<equals])
    guard !name.isEmpty, let key = percentDecoded(name), let value = percentDecoded(trim(member[member.index(after: equals)...])) else { return nil }
    return (key, value)
}

private func percentDecoded(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        guard byte == 0x25 else {
            bytes.append(byte)
            continue
        }
        guard let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue) else { return nil }
        bytes.append(high << 4 | low)
    }
    return String(validating: bytes, as: UTF8.self)
}

private func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x37
    case 0x61...0x66: byte - 0x57
    default: nil
    }
}

/// A byte of an HTTP field name (RFC 9110 section 5.6.2).
private func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x21, 0x23...0x27, 0x2a, 0x2b, 0x2d, 0x2e, 0x5e...0x60, 0x7c, 0x7e: true
    default: false
    }
}
