import GatewayCore
import GatewayDocuments
import GatewayPatterns
import GatewayPlugins
import Testing

/// A plugin's configuration type beside Kong's schema of it.
struct PluginSchemaCase: Sendable, CustomStringConvertible {
    let name: String
    /// The least configuration that is valid.
    let base: DocumentNode
    /// Values for fields whose rules are not in the schema.
    let samples: [String: DocumentNode]
    /// Fields that take no value other than their default here, and why not.
    let refusedHere: [String: String]
    /// Fields whose default means something else here when it is written out than when it is not, and what.
    let spelledOut: [String: String]
    /// Fields that are accepted and do nothing here.
    let withoutEffect: Set<String>
    /// What must stand beside a field.
    let companions: [String: [(path: [String], value: DocumentNode)]]
    /// The errors of a document.
    let decode: @Sendable (DocumentNode) -> [ConfigurationIssue]
    /// A dump of the decoded value, to compare what defaults mean.
    let dump: @Sendable (DocumentNode) -> String?

    var description: String { self.name }

    init<Configuration: GatewayConfiguration & Hashable>(
        _ name: String, _ type: Configuration.Type, base: DocumentNode = .mapping([]), samples: [String: DocumentNode] = [:],
        refusedHere: [String: String] = [:], spelledOut: [String: String] = [:], withoutEffect: Set<String> = [],
        companions: [String: [(path: [String], value: DocumentNode)]] = [:]
    ) {
        self.name = name
        self.base = base
        self.samples = samples
        self.refusedHere = refusedHere
        self.spelledOut = spelledOut
        self.withoutEffect = withoutEffect
        self.companions = companions
        self.decode = { document in
            do throws(ConfigurationError) {
                _ = try Configuration.decode(document: document, path: "config", patterns: PCRE2PatternCompiler())
                return []
            } catch {
                return error.issues.filter { $0.severity == .error }
            }
        }
        self.dump = { document in (try? Configuration.decode(document: document, path: "config")).map { String(reflecting: $0) } }
    }

    static let all: [PluginSchemaCase] = [
        PluginSchemaCase("file-log", FileLogConfiguration.self, base: .mapping([("path", .text("/tmp/x"))])),
        PluginSchemaCase("prometheus", PrometheusConfiguration.self),
        PluginSchemaCase(
            "http-log", HTTPLogConfiguration.self, base: .mapping([("http_endpoint", .text("http://c:1/x"))]), samples: ["http_endpoint": .text("http://c:2/y"), "queue_size": .plain("5")]),
        PluginSchemaCase(
            "tcp-log", TCPLogConfiguration.self, base: .mapping([("host", .text("h")), ("port", .plain("1"))])),
        PluginSchemaCase(
            "udp-log", UDPLogConfiguration.self, base: .mapping([("host", .text("h")), ("port", .plain("1"))])),
        PluginSchemaCase("syslog", SyslogConfiguration.self),
        PluginSchemaCase("zipkin", ZipkinConfiguration.self, samples: ["http_endpoint": .text("http://c:1/x")]),
        PluginSchemaCase(
            "key-auth", KeyAuthConfiguration.self, samples: ["identity_realms.[].id": .text("11111111-1111-4111-8111-111111111111")],
            refusedHere: ["principals.enabled": "Kong Identity"]),
        PluginSchemaCase(
            "opentelemetry", OpenTelemetryConfiguration.self, base: .mapping([("traces_endpoint", .text("http://c:4318/v1/traces"))]),
            samples: Dictionary(
                uniqueKeysWithValues: ["traces_endpoint", "logs_endpoint", "metrics.endpoint", "access_logs.endpoint"].map { ($0, .text("http://c:4318/x")) }),
            refusedHere: ["access_logs.custom_attributes_by_lua": "Lua"],
            spelledOut: ["sampling_strategy": "without sampling_rate the gateway's own rule about callers holds unless a strategy is written"]),
        PluginSchemaCase(
            "ai-proxy", AIProxyConfiguration.self,
            base: .mapping([("route_type", .text("llm/v1/chat")), ("model", .mapping([("provider", .text("openai")), ("options", .mapping([]))]))]),
            samples: ["model.options.upstream_url": .text("http://h/p")], companions: Self.aiProxyCompanions),
        PluginSchemaCase(
            "ai-request-transformer", AIRequestTransformerConfiguration.self, base: Self.transformer, samples: Self.transformerSamples, companions: Self.transformerCompanions),
        PluginSchemaCase(
            "ai-response-transformer", AIResponseTransformerConfiguration.self, base: Self.transformer, samples: Self.transformerSamples, companions: Self.transformerCompanions),
        PluginSchemaCase("ai-lakera-guard", AILakeraGuardConfiguration.self, samples: ["lakera_service_url": .text("http://h/p")]),
        PluginSchemaCase(
            "ai-azure-content-safety", AIAzureContentSafetyConfiguration.self, base: .mapping([("content_safety_url", .text("http://h/p"))]),
            samples: ["content_safety_url": .text("http://h/p"), "categories.[].rejection_level": .plain("2")]),
        PluginSchemaCase(
            "ai-gcp-model-armor", AIGCPModelArmorConfiguration.self, base: .mapping([("project_id", .text("p")), ("location_id", .text("l")), ("template_id", .text("t"))])),
        PluginSchemaCase(
            "ai-aws-guardrails", AIAWSGuardrailsConfiguration.self,
            base: .mapping([("aws_region", .text("r")), ("guardrails_id", .text("g")), ("guardrails_version", .text("1"))]), samples: ["guardrails_version": .text("DRAFT")]),
        PluginSchemaCase(
            "ai-custom-guardrail", AICustomGuardrailConfiguration.self,
            base: .mapping([
                ("request", .mapping([("url", .text("http://h/p"))])), ("response", .mapping([("block", .text("false")), ("block_message", .text("no"))])),
            ]),
            companions: [
                "request.auth.name": [(["request", "auth", "value"], .text("x"))], "request.auth.value": [(["request", "auth", "name"], .text("x"))],
                "request.auth.location": [(["request", "auth", "name"], .text("x")), (["request", "auth", "value"], .text("x"))],
            ]),
        PluginSchemaCase(
            "ai-proxy-advanced", AIProxyAdvancedConfiguration.self,
            base: .mapping([("targets", .list([Self.target])), ("embeddings", Self.embeddings), ("vectordb", Self.vectors)]),
            samples: [
                "targets": .list([Self.target]), "embeddings": Self.embeddings, "vectordb": Self.vectors, "targets.[].model.options.upstream_url": .text("http://h/p"),
                "embeddings.model.options.upstream_url": .text("http://h/p"),
            ], companions: Self.advancedCompanions),
        PluginSchemaCase(
            "ai-llm-as-judge", AILLMAsJudgeConfiguration.self, base: .mapping([("llm", Self.target.setting(["model", "options"], to: .mapping([])))]),
            samples: ["llm": Self.target, "message_countback": .plain("3"), "llm.model.options.upstream_url": .text("http://h/p")],
            companions: Dictionary(uniqueKeysWithValues: Self.aiProxyCompanions.map { key, value in ("llm.\(key)", value.map { (["llm"] + $0.path, $0.value) }) })),
        PluginSchemaCase("ai-prompt-guard", AIPromptGuardConfiguration.self, base: .mapping([("deny_patterns", .list([.text("x")]))])),
        PluginSchemaCase(
            "ai-prompt-decorator", AIPromptDecoratorConfiguration.self,
            base: .mapping([("prompts", Self.appended)]), samples: ["prompts": Self.appended]),
        PluginSchemaCase(
            "ip-restriction", IPRestrictionConfiguration.self, base: .mapping([("deny", .list([.text("10.0.0.1")]))]),
            samples: ["allow": .list([.text("192.168.0.0/16")]), "deny": .list([.text("2001:db8::/32")]), "status": .plain("451")]),
        PluginSchemaCase("request-size-limiting", RequestSizeLimitingConfiguration.self),
        PluginSchemaCase(
            "request-termination", RequestTerminationConfiguration.self, samples: ["status_code": .plain("404")],
            companions: ["content_type": [(["body"], .text("x"))]]),
        PluginSchemaCase(
            "ai-prompt-compressor", AIPromptCompressorConfiguration.self, base: .mapping([("compression_ranges", .list([Self.compressionRange(0.5)]))]),
            samples: ["compression_ranges": .list([Self.compressionRange(0.7)]), "compression_ranges.[].value": .plain("0.7"), "compressor_url": .text("http://h:1")],
            spelledOut: ["compressor_url": "Kong's service is asked only where its URL is written"], withoutEffect: ["keepalive_timeout"],
            companions: ["compressor_type": [(["compression_ranges"], .list([Self.compressionRange(1)]))]]),
        PluginSchemaCase(
            "ai-sanitizer", AISanitizerConfiguration.self,
            samples: ["custom_patterns.[].regex": .text("[0-9]+"), "custom_patterns.[].score": .plain("0.7"), "scheme": .text("https"), "port": .plain("5")],
            spelledOut: [
                "host": "Kong's service is asked only where its host is written", "skip_logging_sanitized_items": "originals are logged only where that is written",
            ], withoutEffect: ["keepalive_timeout"],
            companions: ["port": [(["host"], .text("h"))], "scheme": [(["host"], .text("h"))], "timeout": [(["host"], .text("h"))]]),
        PluginSchemaCase("ai-prompt-template", AIPromptTemplateConfiguration.self, base: .mapping([("templates", .list([]))])),
    ]

    private static func compressionRange(_ value: Double) -> DocumentNode { .mapping([("min_tokens", .plain("1")), ("max_tokens", .plain("100")), ("value", .plain("\(value)"))]) }

    private static let appended = DocumentNode.mapping([("append", .list([.mapping([("content", .text("x"))])]))])

    private static let transformer = DocumentNode.mapping([
        ("prompt", .text("p")), ("llm", .mapping([("route_type", .text("llm/v1/chat")), ("model", .mapping([("provider", .text("openai")), ("options", .mapping([]))]))])),
    ])
    private static let transformerSamples: [String: DocumentNode] = [
        "llm.model.options.upstream_url": .text("http://h/p"), "http_proxy_host": .text("h"), "https_proxy_host": .text("h"), "llm": .mapping([
            ("route_type", .text("llm/v1/chat")), ("model", .mapping([("provider", .text("openai"))])),
        ]),
    ]
    private static let transformerCompanions: [String: [(path: [String], value: DocumentNode)]] = {
        var companions: [String: [(path: [String], value: DocumentNode)]] = [:]
        for (key, values) in Self.aiProxyCompanions { companions["llm.\(key)"] = values.map { (["llm"] + $0.path, $0.value) } }
        for scheme in ["http", "https"] {
            companions["\(scheme)_proxy_host"] = [(["\(scheme)_proxy_port"], .plain("1"))]
            companions["\(scheme)_proxy_port"] = [(["\(scheme)_proxy_host"], .text("h"))]
        }
        return companions
    }()

    private static let target = DocumentNode.mapping([
        ("route_type", .text("llm/v1/chat")), ("description", .text("x")), ("model", .mapping([("provider", .text("openai"))])),
    ])
    private static let embeddings = DocumentNode.mapping([("model", .mapping([("provider", .text("openai")), ("name", .text("e"))]))])
    private static let vectors = DocumentNode.mapping([("strategy", .text("redis")), ("dimensions", .plain("3")), ("distance_metric", .text("cosine"))])

    private static let advancedCompanions: [String: [(path: [String], value: DocumentNode)]] = {
        var companions: [String: [(path: [String], value: DocumentNode)]] = [:]
        for (key, value) in aiProxyCompanions {
            companions["targets.[].\(key)"] = value.map { (["targets", "[]"] + $0.path, $0.value) }
            if key.hasPrefix("auth.") { companions["embeddings.\(key)"] = value.map { (["embeddings"] + $0.path, $0.value) } }
        }
        for list in ["allow", "deny"] {
            let condition = ["acls", list, "[]", "match", "[]"]
            companions[(condition + ["type"]).joined(separator: ".")] = [(condition + ["key"], .text("id")), (condition + ["values"], .list([.text("192.0.2.1")]))]
        }
        return companions
    }()

    private static let aiProxyCompanions: [String: [(path: [String], value: DocumentNode)]] = {
        var companions: [String: [(path: [String], value: DocumentNode)]] = [:]
        let option = ["model", "options"]
        companions["model.provider"] = [
            (option + ["llama2_format"], .text("raw")), (option + ["mistral_format"], .text("openai")), (option + ["anthropic_version"], .text("v")),
            (option + ["azure_instance"], .text("i")), (option + ["azure_deployment_id"], .text("d")), (option + ["upstream_url"], .text("http://h/p")),
        ]
        for key in ["api_endpoint", "project_id", "location_id"] {
            companions["model.options.gemini.\(key)"] = ["api_endpoint", "project_id", "location_id"].map { (option + ["gemini", $0], .text("x")) }
        }
        for key in ["header_name", "header_value"] { companions["auth.\(key)"] = [(["auth", "header_name"], .text("x")), (["auth", "header_value"], .text("x"))] }
        for key in ["param_name", "param_value", "param_location"] {
            companions["auth.\(key)"] = [(["auth", "param_name"], .text("x")), (["auth", "param_value"], .text("x")), (["auth", "param_location"], .text("body"))]
        }
        return companions
    }()
}

@Suite struct PluginSchemaTests {
    /// Every field of a schema with its path; `[]` is an element of a list.
    private func fields(_ field: KongSchema.Field, _ path: [String] = []) -> [(path: [String], field: KongSchema.Field)] {
        var found: [(path: [String], field: KongSchema.Field)] = path.isEmpty ? [] : [(path, field)]
        for entry in field.properties { found += self.fields(KongSchema.Field(node: entry.value), path + [entry.key]) }
        if let items = field.items, !items.properties.isEmpty { found += self.fields(items, path + ["[]"]) }
        return found
    }

    private func sample(_ field: KongSchema.Field, _ path: [String], _ test: PluginSchemaCase) -> DocumentNode {
        if let sample = test.samples[path.joined(separator: ".")] { return sample }
        if let choice = field.choices?.last { return choice }
        switch field.type {
        case "boolean": return .plain("true")
        case "integer": return .plain(String(Int(max(field.minimum ?? 1, 1))))
        case "number": return .plain(String(max(field.minimum ?? 0.5, 0.5)))
        case "array": return .list([field.items.map { self.sample($0, path + ["[]"], test) } ?? .text("x")])
        case "object":
            if let values = field.mapValues { return .mapping([("name", self.sample(values, path, test))]) }
            let entries = field.properties.filter { field.required.contains($0.key) }
            return .mapping(entries.map { ($0.key, self.sample(KongSchema.Field(node: $0.value), path + [$0.key], test)) })
        default: return .text("xx")
        }
    }

    /// The base with what the field needs around it: required neighbours in list elements, and companions.
    private func surroundings(_ path: [String], _ schema: KongSchema, _ test: PluginSchemaCase) -> DocumentNode {
        var document = test.base
        for list in path.indices where path[list] == "[]" {
            let listPath = Array(path[..<list])
            if let (_, field) = self.fields(schema.root).first(where: { $0.path == listPath }), let items = field.items {
                document = document.setting(listPath, to: .list([self.sample(items, listPath + ["[]"], test)]))
            }
        }
        for companion in test.companions[path.joined(separator: ".")] ?? [] { document = document.setting(companion.path, to: companion.value) }
        return document
    }

    @Test(arguments: PluginSchemaCase.all)
    func `the least configuration is valid`(test: PluginSchemaCase) {
        #expect(test.decode(test.base).map(\.description) == [])
    }

    @Test(arguments: PluginSchemaCase.all)
    func `every field of the schema is accepted`(test: PluginSchemaCase) throws {
        let schema = try KongSchema(plugin: test.name)
        let fields = self.fields(schema.root)
        #expect(!fields.isEmpty)
        for (path, field) in fields {
            let name = path.joined(separator: ".")
            let around = self.surroundings(path, schema, test)
            for value in field.choices ?? [self.sample(field, path, test)] {
                let issues = test.decode(around.setting(path, to: value))
                if let reason = test.refusedHere[name] {
                    #expect(issues.count == 1 && issues[0].problem.contains(reason), "\(name): \(issues)")
                } else {
                    #expect(issues.map(\.description) == [], "\(name)")
                }
            }
        }
    }

    @Test(arguments: PluginSchemaCase.all)
    func `an unknown field is refused in every object`(test: PluginSchemaCase) throws {
        let schema = try KongSchema(plugin: test.name)
        var objects: [[String]] = [[]]
        for (path, field) in self.fields(schema.root) where field.type == "object" && field.mapValues == nil && !field.isOpen && path.last != "[]" { objects.append(path) }
        for (path, field) in self.fields(schema.root) where field.items?.properties.isEmpty == false { objects.append(path + ["[]"]) }
        for path in objects {
            let unknown = path + ["no_such_field"]
            let issues = test.decode(self.surroundings(unknown, schema, test).setting(unknown, to: .text("x")))
            #expect(issues.contains { $0.path.hasSuffix("no_such_field") && $0.problem == "is not a known field" }, "\(unknown): \(issues)")
        }
    }

    @Test(arguments: PluginSchemaCase.all)
    func `a value of the wrong type is refused`(test: PluginSchemaCase) throws {
        let schema = try KongSchema(plugin: test.name)
        for (path, field) in self.fields(schema.root) where path.last != "[]" {
            let wrong: [DocumentNode] =
                switch field.type {
                case "string": [.plain("12"), .plain("true"), .list([]), .mapping([])]
                case "boolean": [.plain("12"), .text("true"), .list([])]
                case "integer": [.plain("1.5"), .text("1"), .plain("true"), .mapping([])]
                case "number": [.text("1"), .plain("true"), .list([])]
                case "array": [.text("x"), .plain("1"), .mapping([])]
                default: [.text("x"), .plain("1"), .list([])]
                }
            for value in wrong {
                let issues = test.decode(self.surroundings(path, schema, test).setting(path, to: value))
                #expect(!issues.isEmpty, "\(path.joined(separator: ".")) took \(value.kindDescription)")
            }
        }
    }

    @Test(arguments: PluginSchemaCase.all)
    func `a value outside its choices or its range is refused`(test: PluginSchemaCase) throws {
        let schema = try KongSchema(plugin: test.name)
        for (path, field) in self.fields(schema.root) {
            var wrong: [DocumentNode] = []
            if field.choices != nil { wrong.append(field.type == "integer" ? .plain("7777") : .text("no-such-choice")) }
            if let items = field.items, items.choices != nil { wrong.append(.list([.text("no-such-choice")])) }
            if let minimum = field.minimum { wrong.append(.plain(field.type == "integer" ? String(Int(minimum) - 1) : String(minimum - 0.001))) }
            if let maximum = field.maximum { wrong.append(.plain(field.type == "integer" ? String(Int(maximum) + 1) : String(maximum + 0.5))) }
            if field.node["minLength"] != nil { wrong.append(.text("")) }
            for value in wrong {
                let issues = test.decode(self.surroundings(path, schema, test).setting(path, to: value))
                #expect(!issues.isEmpty, "\(path.joined(separator: ".")) took \(value)")
            }
        }
    }

    @Test(arguments: PluginSchemaCase.all)
    func `required fields are required`(test: PluginSchemaCase) throws {
        let schema = try KongSchema(plugin: test.name)
        var all: [(path: [String], field: KongSchema.Field)] = [([], schema.root)]
        for (path, field) in self.fields(schema.root) { all.append((field.items?.properties.isEmpty == false ? path + ["[]"] : path, field.items ?? field)) }
        for (path, field) in all {
            for name in field.required {
                let full = path + [name]
                let issues = test.decode(self.surroundings(full, schema, test).setting(full, to: nil))
                #expect(issues.contains { $0.problem == "is required" }, "\(full)")
            }
        }
    }

    @Test(arguments: PluginSchemaCase.all)
    func `writing out every default of the schema changes nothing`(test: PluginSchemaCase) throws {
        let schema = try KongSchema(plugin: test.name)
        let plain = try #require(test.dump(test.base))
        for (path, field) in self.fields(schema.root) where field.fallback != nil && !path.contains("[]") {
            let written = try #require(test.dump(test.base.setting(path, to: field.fallback)), "\(path)")
            let name = path.joined(separator: ".")
            if let meaning = test.spelledOut[name] {
                #expect(written != plain, "\(name) no longer means: \(meaning)")
            } else {
                #expect(written == plain, "the default of \(name) differs")
            }
        }
    }

    @Test(arguments: PluginSchemaCase.all)
    func `a value that differs from the default changes the configuration`(test: PluginSchemaCase) throws {
        let schema = try KongSchema(plugin: test.name)
        for (path, field) in self.fields(schema.root) where !path.contains("[]") && field.type != "object" {
            let name = path.joined(separator: ".")
            guard test.refusedHere[name] == nil, test.spelledOut[name] == nil, !test.withoutEffect.contains(name), !["batch_span_count", "batch_flush_delay"].contains(name) else { continue }
            var value = self.sample(field, path, test)
            if let fallback = field.fallback {
                if field.type == "boolean" { value = .plain(fallback.scalar?.value == .boolean(true) ? "false" : "true") }
                if let choices = field.choices, let other = choices.first(where: { $0.scalar?.text != fallback.scalar?.text }) { value = other }
            }
            let around = self.surroundings(path, schema, test)
            let without = around.setting(path, to: nil)
            guard let changed = test.dump(around.setting(path, to: value)), let plain = test.dump(without) else { continue }
            guard value.scalar?.text != field.fallback?.scalar?.text || field.fallback == nil else { continue }
            #expect(changed != plain, "\(name) is read but not kept")
        }
    }
}
