import GatewayCore
import GatewayWire
import NIOCore
import Synchronization
import Telemetry

/// `custom_fields_by_lua` of a log plugin: Lua whose values are put into each line, or take a field out of it (`return nil`).
///
/// The code runs in the sandbox of ``ScriptCompiler`` when the request is over. It sees the line as `kong.log.serialize()`, and what the line knows of the request by
/// the functions of Kong's PDK that are allowed in the log phase (https://developer.konghq.com/gateway/pdk/reference/): parts of `kong.request`, `kong.response`,
/// `kong.service.response`, `kong.client`, `kong.router` and `ngx`. What no line has (bodies, query strings, credentials) is nil there; of headers it has those that the
/// code names (``headers(in:)``).
final class LogFieldScript: LogLineEditor {
    private let paths: [LogFieldPath]
    private let program: any ScriptProgram
    private let hasFailed = Mutex(false)

    /// The sink with the lines that the code makes; the sink itself without code.
    ///
    /// - Parameter sink: is not made where this throws.
    /// - Throws: what is wrong with a field's name or code.
    static func apply(
        _ code: [String: String], _ services: PluginServices, to sink: () -> any EvidenceConsumer
    ) throws(ConfigurationError) -> any EvidenceConsumer {
        if code.isEmpty { return sink() }
        let script = try LogFieldScript(code, services.scripts)
        return services.sinks.edited(sink(), by: script)
    }

    /// The names of headers that the code asks for by a text of its own, as `get_header("X-Team")` or `get_headers()["x-team"]`, in lower case: they have to be recorded.
    static func headers(in code: [String: String]) -> Set<String> {
        var names: Set<String> = []
        for lua in code.values {
            var rest = Substring(lua)
            while let place = rest.firstRange(of: "get_header") {
                rest = rest[place.upperBound...]
                // Behind it come "s", brackets and blanks, and then a quote.
                let opening = rest.drop { "s()[ ".contains($0) }
                guard let quote = opening.first, quote == "\"" || quote == "'" else { continue }
                let name = opening.dropFirst().prefix { $0 != quote }
                if !name.isEmpty, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) { names.insert(name.lowercased()) }
            }
        }
        return names
    }

    init(_ code: [String: String], _ scripts: any ScriptCompiler) throws(ConfigurationError) {
        var issues: [ConfigurationIssue] = []
        var paths: [LogFieldPath] = []
        var expressions: [String] = []
        for (name, lua) in code.sorted(by: { $0.key < $1.key }) {
            let expression = "(function() \(lua)\nend)()"
            func report(_ problem: String) { issues.append(ConfigurationIssue(path: "config.custom_fields_by_lua.\(name)", line: 0, problem: problem)) }
            guard let path = LogFieldPath(name) else {
                report("is no field's name: names are divided by points, and positions in arrays written [1]")
                continue
            }
            do throws(ScriptFailure) { _ = try scripts.compile(ScriptSource(expressions: [expression])) } catch { report("is not Lua: \(error.message)") }
            paths.append(path)
            expressions.append(expression)
        }
        if !issues.isEmpty { throw ConfigurationError(issues: issues) }
        self.paths = paths
        do throws(ScriptFailure) { self.program = try scripts.compile(ScriptSource(functions: Self.environment, expressions: expressions)) } catch {
            throw ConfigurationError(issues: [ConfigurationIssue(path: "config.custom_fields_by_lua", line: 0, problem: "cannot be compiled: \(error.message)")])
        }
    }

    func edited(_ line: UnsafeRawBufferPointer) -> [UInt8] {
        var text = ByteBuffer(bytes: line)
        text.writeInteger(UInt8(ascii: "}"))
        guard var root = try? JSONValue(parsing: text) else { return [UInt8](line) }
        let variables = [JSONValue.Member(key: "log", value: root)]
        for (path, value) in zip(self.paths, self.values(variables)) {
            if let value { path.set(value, in: &root) }
        }
        return [UInt8](root.encoded().readableBytesView.dropLast())
    }

    /// What the code of each field returns; nil where it failed, which leaves the line as it is.
    private func values(_ variables: [JSONValue.Member]) -> [JSONValue?] {
        let all = Array(self.paths.indices)
        do throws(ScriptFailure) { return try self.program.run(all, variables: variables) } catch {
            // One of them at least: the others have their values all the same.
            return all.map { index in
                do throws(ScriptFailure) { return try self.program.run([index], variables: variables)[0] } catch {
                    self.report(error)
                    return nil
                }
            }
        }
    }

    /// Once: a field that fails does so with every request.
    private func report(_ failure: ScriptFailure) {
        let isFirst = self.hasFailed.withLock { hasFailed in
            defer { hasFailed = true }
            return !hasFailed
        }
        if isFirst { DiagnosticLog.shared.error("custom_fields_by_lua failed; the field is left out", ("code", "\(failure.code.name)"), ("place", failure.message)) }
    }

    /// `kong` and `ngx` over the line, which the environment holds as `log`.
    private static let environment = [
        ScriptSource.Function(
            name: "kong",
            code: """
                return function(log)
                  local request, response = log.request or {}, log.response or {}
                  local function value(fields, name)
                    local found = (fields or {})[string.lower(name)]
                    if type(found) == "table" then return found[1] end
                    return found
                  end
                  local function part(pattern) return string.match(request.url or "", pattern) end
                  local function nothing() end
                  local kong = {ctx = {shared = {}, plugin = {}}}
                  kong.log = {serialize = function() return log end, set_serialize_value = nothing}
                  for _, level in ipairs({"alert", "crit", "err", "warn", "notice", "info", "debug"}) do kong.log[level] = nothing end
                  kong.request = {
                    get_id = function() return request.id end,
                    get_method = function() return request.method end,
                    get_path = function() return request.uri end,
                    get_raw_path = function() return request.uri end,
                    get_path_with_query = function() return request.uri end,
                    get_scheme = function() return part("^(%w+)://") end,
                    get_host = function() return part("^%w+://([^/:]+)") end,
                    get_port = function() return tonumber(part("^%w+://[^/]+:(%d+)")) end,
                    get_header = function(name) return value(request.headers, name) end,
                    get_headers = function() return request.headers or {} end,
                    get_query = function() return {} end,
                    get_query_arg = nothing, get_raw_query = nothing, get_body = nothing, get_raw_body = nothing,
                    get_start_time = function() return log.started_at end,
                  }
                  kong.request.get_forwarded_scheme, kong.request.get_forwarded_host = kong.request.get_scheme, kong.request.get_host
                  kong.request.get_forwarded_port, kong.request.get_forwarded_path = kong.request.get_port, kong.request.get_path
                  kong.response = {
                    get_status = function() return response.status end,
                    get_header = function(name) return value(response.headers, name) end,
                    get_headers = function() return response.headers or {} end,
                    get_source = function() return log.source end,
                  }
                  kong.service = {response = {get_status = function() return tonumber(log.upstream_status) end, get_header = kong.response.get_header, get_headers = kong.response.get_headers}}
                  kong.client = {
                    get_ip = function() return log.client_ip end,
                    get_forwarded_ip = function() return log.client_ip end,
                    get_consumer = function() return log.consumer end,
                    get_credential = function() return log.authenticated_entity end,
                  }
                  kong.router = {get_route = function() return log.route end, get_service = function() return log.service end}
                  return kong
                end
                """),
        ScriptSource.Function(
            name: "ngx",
            code: """
                return function(log)
                  local request, response = log.request or {}, log.response or {}
                  return {
                    ctx = {}, status = response.status,
                    now = function() return (log.started_at or 0) / 1000 end,
                    time = function() return math.floor((log.started_at or 0) / 1000) end,
                    var = {
                      request_id = request.id, request_method = request.method, uri = request.uri, remote_addr = log.client_ip, status = response.status,
                      bytes_sent = response.size, request_length = request.size, upstream_status = log.upstream_status,
                    },
                  }
                end
                """),
    ]
}
