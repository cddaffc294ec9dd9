import CLua
public import GatewayCore
#if canImport(Glibc)
    import Glibc
#endif
import GatewayWire
import Synchronization

/// Runs Lua of the configuration in LuaJIT: the JIT off so that the instruction limit holds, a cap on memory, no way out of the process. One state a thread, and
/// event loops are threads; programs are loaded into a state when they first run there.
///
/// What is out of reach: files, processes, clocks, modules, metatables, coroutines, byte code, debug. Library functions written in C (`string.find` and its like)
/// count as one instruction: a pattern of the operator's that backtracks without end is not interrupted.
public final class LuaEngine: ScriptCompiler {
    /// Limits of one run and one state.
    public struct Options: Sendable {
        /// Instructions of the interpreter, about 10 ms for the default.
        public var instructions = 1_000_000
        /// What all programs of a thread may have at once.
        public var memoryBytes = 16 << 20

        public init() {}
    }

    private struct Shared {
        var states: [UInt: LuaState] = [:]
        var nextProgram = 1
        /// Programs that are gone, by the thread whose state still has them.
        var retired: [UInt: [Int]] = [:]
    }

    let options: Options
    private let shared = Mutex(Shared())

    public init(options: Options = Options()) { self.options = options }

    public func compile(_ source: ScriptSource) throws(ScriptFailure) -> any ScriptProgram {
        let number = self.shared.withLock { shared in
            defer { shared.nextProgram += 1 }
            return shared.nextProgram
        }
        let program = LuaProgram(engine: self, number: number, source: source)
        // Loaded here to be checked; other threads load it when they need it.
        _ = try self.state().reference(of: program)
        return program
    }

    /// The calling thread's state.
    func state() throws(ScriptFailure) -> LuaState {
        let thread = UInt(pthread_self())
        let (known, retired) = self.shared.withLock { ($0.states[thread], $0.retired.removeValue(forKey: thread) ?? []) }
        if let known {
            for number in retired { known.unload(number) }
            return known
        }
        guard let state = LuaState(memoryBytes: self.options.memoryBytes) else { throw ScriptFailure(.memory) }
        self.shared.withLock { $0.states[thread] = state }
        return state
    }

    /// Called when a program's last user let go of it, on any thread.
    func retire(_ number: Int) {
        self.shared.withLock { shared in
            for (thread, state) in shared.states where state.mayHave(number) { shared.retired[thread, default: []].append(number) }
        }
    }
}

/// A compiled program; its compiled form lies in the states of the threads that ran it.
final class LuaProgram: ScriptProgram {
    private let engine: LuaEngine
    let number: Int
    let source: ScriptSource

    init(engine: LuaEngine, number: Int, source: ScriptSource) {
        self.engine = engine
        self.number = number
        self.source = source
    }

    deinit { self.engine.retire(self.number) }

    func run(_ expressions: [Int], variables: [JSONValue.Member]) throws(ScriptFailure) -> [JSONValue] {
        try self.engine.state().run(self, expressions, variables, instructions: self.engine.options.instructions)
    }
}
