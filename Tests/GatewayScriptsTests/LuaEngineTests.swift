import GatewayCore
import GatewayScripts
import GatewayWire
import Testing

@Suite struct LuaEngineTests {
    private func engine(instructions: Int = 1_000_000, memory: Int = 16 << 20) -> LuaEngine {
        var options = LuaEngine.Options()
        options.instructions = instructions
        options.memoryBytes = memory
        return LuaEngine(options: options)
    }

    private func run(
        _ expression: String, functions: [String: String] = [:], _ variables: [JSONValue.Member] = [], on engine: LuaEngine? = nil
    ) throws(ScriptFailure) -> JSONValue {
        let source = ScriptSource(functions: functions.map { ScriptSource.Function(name: $0.key, code: $0.value) }, expressions: [expression])
        return try (engine ?? self.engine()).compile(source).run([0], variables: variables)[0]
    }

    private func failure(_ expression: String, functions: [String: String] = [:], on engine: LuaEngine? = nil) -> ScriptFailure? {
        do throws(ScriptFailure) {
            _ = try self.run(expression, functions: functions, on: engine)
            return nil
        } catch { return error }
    }

    // MARK: Values

    @Test(arguments: [
        ("nil", JSONValue.null), ("true", true), ("1 + 1", 2), ("0.5", 0.5), ("1/0", .null), ("'a' .. 'b'", "ab"), ("{}", [:]), ("{1, 'x', false}", [1, "x", false]),
        ("{a = {b = {1}}}", ["a": ["b": [1]]]), ("{1, nil, 3}", ["1": 1, "3": 3]), ("{[1] = 'a', x = 'b'}", ["1": "a", "x": "b"]), ("('x'):rep(3)", "xxx"), ("#EMPTY_T", 0),
        ("bit.band(6, 3)", 2), ("select('#', 1, 2)", 2), ("string.format('%d-%s', 3, 'x')", "3-x"), ("'\\0\\255'", "\u{0}\u{fffd}"),
    ] as [(String, JSONValue)])
    func `an expression has its value`(expression: String, value: JSONValue) throws {
        #expect(try self.run(expression) == value)
    }

    @Test func `values come back as they went in`() throws {
        let value: JSONValue = ["text": "h\u{e4}llo \u{1f600}\n\"\\", "numbers": [0, -1, 1.5, 9_007_199_254_740_992], "nested": ["empty": [:], "list": [[1], [2, [3]]]], "yes": true]
        guard case .object(let members) = value else { return }
        let result = try self.run("x", [JSONValue.Member(key: "x", value: value)])
        #expect(result == .object(members.sorted { $0.key < $1.key }.map { member in
            guard case .object(let inner) = member.value else { return member }
            return JSONValue.Member(key: member.key, value: .object(inner.sorted { $0.key < $1.key }))
        }))
    }

    @Test func `null and absent are nil`() throws {
        let variables = [JSONValue.Member(key: "x", value: ["a": nil])]
        #expect(try self.run("x.a == nil and x.b == nil and y == nil", variables) == true)
    }

    @Test(arguments: ["print", "io", "os", "require", "load", "loadstring", "dofile", "debug", "package", "jit", "ffi", "coroutine", "getmetatable", "setmetatable", "rawset", "getfenv", "setfenv", "_G",
        "newproxy", "collectgarbage", "string.dump", "('x').dump", "math.random", "os and os.execute", "module"])
    func `what reaches outside is not there`(name: String) throws {
        #expect(try self.run("(\(name)) == nil") == true)
    }

    @Test(arguments: ["function() end", "{f = function() end}", "string", "{[{}] = 1}"])
    func `what is no value is not given out`(expression: String) {
        #expect(self.failure(expression)?.code == .error)
    }

    @Test func `a table that holds itself is refused`() {
        #expect(self.failure("f", functions: ["f": "local t = {}; t.t = t; return t"])?.code == .error)
    }

    // MARK: Functions

    @Test func `a function gets what its parameters are called`() throws {
        let functions = ["check": "return function(resp, conf) return {block = resp.score > conf.limit, names = conf.names} end"]
        let variables: [JSONValue.Member] = [.init(key: "resp", value: ["score": 7]), .init(key: "conf", value: ["limit": 5, "names": ["a"]])]
        #expect(try self.run("check.block", functions: functions, variables) == true)
        #expect(try self.run("check.names[1]", functions: functions, variables) == "a")
    }

    @Test func `functions use each other, each is called once`() throws {
        let functions = ["one": "return function(two) return two .. 1 end", "two": "return function(calls) table.insert(calls, 'x'); return #calls end"]
        #expect(try self.run("one .. two .. two", functions: functions, [.init(key: "calls", value: ["y"])]) == "2122")
    }

    @Test func `a chunk may be a value`() throws {
        #expect(try self.run("limits.high", functions: ["limits": "return {high = 3}"]) == 3)
    }

    @Test func `functions in a circle end`() {
        #expect(self.failure("a", functions: ["a": "return function(b) return b end", "b": "return function(a) return a end"])?.code == .error)
    }

    @Test func `a second result is a failure and names the function, not the text`() {
        let failure = self.failure("check", functions: ["check": "return function() return {}, 'secret text' end"])
        #expect(failure?.code == .error)
        #expect(failure?.message.contains("secret") == false)
    }

    @Test func `an error names the place and not what was said`() {
        let failure = self.failure("check", functions: ["check": "return function()\nerror('secret text')\nend"])
        #expect(failure == ScriptFailure(.error, message: "check:2"))
    }

    @Test(arguments: ["1 +", "x = 1", "1) or (2", "}", "\u{1b}LJ"])
    func `what is no expression does not compile`(expression: String) {
        if expression == "1) or (2" {
            // Balanced once wrapped: an expression after all.
            #expect(self.failure(expression) == nil)
        } else {
            #expect(self.failure(expression)?.code == .error)
        }
    }

    @Test func `byte code is refused`() {
        #expect(self.failure("f", functions: ["f": "\u{1b}LJ\u{2}\n"])?.code == .error)
    }

    // MARK: Limits

    @Test(arguments: [
        "while true do end", "while true do pcall(function() end) end", "while true do pcall(error) end", "local function f() return f() end; f()", "repeat until pcall(error, 1)",
        "for i = 1, 1e18 do end", "while true do pcall(function() while true do end end) end",
    ])
    func `a loop without end ends`(code: String) {
        let failure = self.failure("f", functions: ["f": "return function() \(code) return 1 end"], on: self.engine(instructions: 100_000))
        #expect(failure?.code == .instructions)
    }

    @Test(arguments: [
        "return ('x'):rep(1e9)", "local t = {}; for i = 1, 1e7 do t[i] = {} end return #t", "local s = 'x'; while true do s = s .. s end", "return pcall(string.rep, 'x', 1e9)",
    ])
    func `memory has a cap, and the state lives on`(code: String) throws {
        let engine = self.engine(memory: 4 << 20)
        let failure = self.failure("f", functions: ["f": "return function() \(code) end"], on: engine)
        #expect(failure?.code == .memory || failure?.code == .instructions || failure?.code == .error)
        #expect(try self.run("1 + 1", on: engine) == 2)
    }

    @Test func `a program cannot change what another sees`() throws {
        let engine = self.engine()
        #expect(try self.run("f", functions: ["f": "return function() string.upper = function() return 'bad' end; math = nil; return string.upper('x') end"], on: engine) == "bad")
        #expect(try self.run("string.upper('x')", on: engine) == "X")
        #expect(try self.run("('x'):upper()", on: engine) == "X")
        #expect(try self.run("math.floor(1.5)", on: engine) == 1)
    }

    @Test func `a run leaves nothing for the next`() throws {
        let program = try self.engine().compile(ScriptSource(functions: [.init(name: "f", code: "count = (count or 0) + 1; return count")], expressions: ["f", "left"]))
        #expect(try program.run([0], variables: []) == [1])
        #expect(try program.run([0], variables: []) == [1])
        #expect(try program.run([1], variables: []) == [nil])
    }

    @Test func `threads share a program`() async throws {
        let program = try self.engine().compile(ScriptSource(expressions: ["x * 2"]))
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<200 { group.addTask { try program.run([0], variables: [.init(key: "x", value: .integer(number))]) == [.integer(number * 2)] } }
            for try await isRight in group { #expect(isRight) }
        }
    }

    @Test func `programs that are gone give their memory back`() throws {
        let engine = self.engine(memory: 8 << 20)
        let filler = String(repeating: "x", count: 20_000)
        for _ in 0..<2000 { #expect(try self.run("#f", functions: ["f": "return '\(filler)'"], on: engine) == 20_000) }
    }
}
