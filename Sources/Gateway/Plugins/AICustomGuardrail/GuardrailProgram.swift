import GatewayCore
import GatewayWire

/// The templates of a custom guardrail with the program that evaluates their expressions.
struct GuardrailProgram: Sendable {
    typealias Named = (name: String, template: LuaTemplate)

    let url: LuaTemplate
    let headers: [Named]
    let queries: [Named]
    let body: [Named]
    let block: LuaTemplate
    let blockMessage: LuaTemplate
    let blockReason: LuaTemplate?
    let blockDetail: LuaTemplate?
    let masked: LuaTemplate?
    let customMetrics: [Named]
    private let parameters: [Named]
    private let program: any ScriptProgram
    private let settings: [JSONValue.Member]

    /// - Throws: every text that does not compile, with its path.
    init(_ configuration: AICustomGuardrailConfiguration, scripts: any ScriptCompiler) throws(ConfigurationError) {
        var builder = Builder(functions: configuration.functions, scripts: scripts)
        builder.checkFunctions()
        self.parameters = builder.named(configuration.parameters, "params", decodes: true)
        self.url = builder.template(configuration.request.url, "request.url", decodes: false)
        self.headers = builder.named(configuration.request.headers, "request.headers", decodes: false)
        self.queries = builder.named(configuration.request.queries, "request.queries", decodes: false)
        self.body = builder.named(configuration.request.body, "request.body", decodes: true)
        self.block = builder.template(configuration.response.block, "response.block", decodes: true)
        self.blockMessage = builder.template(configuration.response.blockMessage, "response.block_message", decodes: false)
        self.blockReason = configuration.metrics.blockReason.map { builder.template($0, "metrics.block_reason", decodes: false) }
        self.blockDetail = configuration.metrics.blockDetail.map { builder.template($0, "metrics.block_detail", decodes: false) }
        self.masked = configuration.metrics.masked.map { builder.template($0, "metrics.masked", decodes: true) }
        self.customMetrics = builder.named(configuration.customMetrics, "custom_metrics", decodes: true)
        self.program = try builder.finish()
        self.settings = Self.settings(configuration)
    }

    /// What `conf` holds besides `params`: the scalar fields of the plugin's configuration.
    private static func settings(_ configuration: AICustomGuardrailConfiguration) -> [JSONValue.Member] {
        let common = configuration.common
        let members: [(String, JSONValue)] = [
            ("guarding_mode", .string(common.mode.rawValue)), ("text_source", .string(common.textSource.rawValue)), ("stop_on_error", .bool(common.stopsOnError)),
            ("response_buffer_size", .integer(common.windowBytes)), ("timeout", .integer(configuration.timeoutMilliseconds)), ("ssl_verify", .bool(configuration.verifiesPeer)),
        ]
        return members.map { JSONValue.Member(key: $0.0, value: $0.1) }
    }

    /// The variables of an inspection: `source`, `content` and `conf`, whose parameters are evaluated here.
    func variables(source: String, content: String) throws(ScriptFailure) -> [JSONValue.Member] {
        var variables = [JSONValue.Member(key: "source", value: .string(source)), JSONValue.Member(key: "content", value: .string(content))]
        let bare = variables + [JSONValue.Member(key: "conf", value: .object(self.settings))]
        let values = try self.evaluate(self.parameters.map(\.template), bare)
        let parameters = self.parameters.map { JSONValue.Member(key: $0.name, value: $0.template.value(values)) }
        variables.append(JSONValue.Member(key: "conf", value: .object(self.settings + [JSONValue.Member(key: "params", value: .object(parameters))])))
        return variables
    }

    /// The values of all expressions of some templates, in one run.
    func evaluate(_ templates: [LuaTemplate], _ variables: [JSONValue.Member]) throws(ScriptFailure) -> [Int: JSONValue] {
        let indices = templates.flatMap(\.expressions)
        guard !indices.isEmpty else { return [:] }
        let values = try self.program.run(indices, variables: variables)
        return Dictionary(zip(indices, values), uniquingKeysWith: { first, _ in first })
    }

    /// Collects templates and what is wrong with them.
    private struct Builder {
        let functions: [ScriptSource.Function]
        let scripts: any ScriptCompiler
        private var expressions: [String] = []
        private var issues: [ConfigurationIssue] = []

        init(functions: [String: String], scripts: any ScriptCompiler) {
            self.functions = functions.sorted { $0.key < $1.key }.map { ScriptSource.Function(name: $0.key, code: $0.value) }
            self.scripts = scripts
        }

        private mutating func report(_ path: String, _ failure: ScriptFailure) {
            self.issues.append(ConfigurationIssue(path: "config.\(path)", line: 0, problem: "is no Lua that works here: \(failure.message)"))
        }

        mutating func checkFunctions() {
            for function in self.functions {
                do throws(ScriptFailure) { _ = try self.scripts.compile(ScriptSource(functions: [function])) } catch { self.report("functions.\(function.name)", error) }
            }
        }

        mutating func template(_ text: String, _ path: String, decodes: Bool) -> LuaTemplate {
            let first = self.expressions.count
            do throws(ScriptFailure) {
                let template = try LuaTemplate(text, decodes: decodes, expressions: &self.expressions)
                let own = Array(self.expressions[first...])
                if !own.isEmpty { _ = try self.scripts.compile(ScriptSource(expressions: own)) }
                return template
            } catch {
                self.report(path, error)
                var none: [String] = []
                // A text without an expression always makes a template.
                guard let empty = try? LuaTemplate("", decodes: false, expressions: &none) else { return self.template("", path, decodes: false) }
                return empty
            }
        }

        mutating func named(_ texts: [String: String], _ path: String, decodes: Bool) -> [Named] {
            texts.sorted { $0.key < $1.key }.map { ($0.key, self.template($0.value, "\(path).\($0.key)", decodes: decodes)) }
        }

        func finish() throws(ConfigurationError) -> any ScriptProgram {
            if !self.issues.isEmpty { throw ConfigurationError(issues: self.issues) }
            do throws(ScriptFailure) { return try self.scripts.compile(ScriptSource(functions: self.functions, expressions: self.expressions)) } catch {
                throw ConfigurationError(issues: [ConfigurationIssue(path: "config.functions", line: 0, problem: "do not work together: \(error.message)")])
            }
        }
    }
}
