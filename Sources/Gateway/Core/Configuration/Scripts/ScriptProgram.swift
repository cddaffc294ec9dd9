public import GatewayWire

/// Lua in configuration values: named functions and the expressions that use them.
public struct ScriptSource: Sendable, Hashable {
    /// A chunk that returns a value or a function; a function gets, for each of its parameters, what the environment holds under the parameter's name.
    public struct Function: Sendable, Hashable {
        public let name: String
        public let code: String

        public init(name: String, code: String) {
            self.name = name
            self.code = code
        }
    }

    public var functions: [Function]
    public var expressions: [String]

    public init(functions: [Function] = [], expressions: [String] = []) {
        self.functions = functions
        self.expressions = expressions
    }
}

/// Compiled Lua. May be run from any thread; each of them keeps a state of its own.
public protocol ScriptProgram: AnyObject, Sendable {
    /// Evaluates expressions, by their index, in one environment.
    ///
    /// Besides the sandbox's libraries that holds the variables, and under each function's name its result. Null and absent are `nil` in Lua.
    /// - Throws: ``ScriptFailure``; its message names a place in the code, never a value.
    func run(_ expressions: [Int], variables: [JSONValue.Member]) throws(ScriptFailure) -> [JSONValue]
}

/// Compiles Lua. Core knows no engine: the gateway injects LuaJIT.
public protocol ScriptCompiler: Sendable {
    func compile(_ source: ScriptSource) throws(ScriptFailure) -> any ScriptProgram
}

/// Why Lua code of a configuration did not compile or run.
public struct ScriptFailure: Error, Sendable, Equatable {
    public enum Code: Sendable, CaseIterable {
        /// Not Lua, or an error while running.
        case error
        /// Ran for too long.
        case instructions
        /// Used too much memory.
        case memory

        public var name: StaticString {
            switch self {
            case .error: "script_error"
            case .instructions: "script_instruction_limit"
            case .memory: "script_memory_limit"
            }
        }
    }

    public let code: Code
    /// For compiling: what is wrong with the code. For running: where it failed.
    public let message: String

    public init(_ code: Code, message: String = "") {
        self.code = code
        self.message = message
    }

    public var pluginFailure: PluginFailure { PluginFailure(self.code.name, message: "Lua of the configuration failed" + (self.message.isEmpty ? "" : " at \(self.message)")) }
}
