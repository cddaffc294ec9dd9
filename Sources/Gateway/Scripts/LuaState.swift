import CLua
import GatewayCore
import GatewayWire
import Synchronization

/// One sandboxed Lua state. Belongs to one thread, but for the numbers of its programs.
final class LuaState: @unchecked Sendable {
    // Unchecked: everything but `numbers` is touched by the owning thread only.
    private let lua: OpaquePointer
    private var programs: [Int: Int32] = [:]
    private let numbers = Mutex<Set<Int>>([])

    /// nil when memory is short.
    init?(memoryBytes: Int) {
        guard let lua = pellucid_lua_create(memoryBytes) else { return nil }
        self.lua = lua
    }

    deinit { pellucid_lua_destroy(self.lua) }

    func mayHave(_ number: Int) -> Bool { self.numbers.withLock { $0.contains(number) } }

    func unload(_ number: Int) {
        guard let reference = self.programs.removeValue(forKey: number) else { return }
        self.numbers.withLock { _ = $0.remove(number) }
        pellucid_lua_unload(self.lua, reference)
    }

    /// The program in this state, loaded when it is not there yet.
    func reference(of program: LuaProgram) throws(ScriptFailure) -> Int32 {
        if let known = self.programs[program.number] { return known }
        let source = program.source
        var reference: Int32 = 0
        let (code, text) = withCStrings(source.functions.map(\.name)) { names in
            withCStrings(source.functions.map(\.code)) { codes in
                withCStrings(source.expressions) { expressions in
                    LuaState.withErrorText { error, capacity in
                        pellucid_lua_load(self.lua, names, codes, source.functions.count, expressions, source.expressions.count, &reference, error, capacity)
                    }
                }
            }
        }
        if let failure = LuaState.failure(code) { throw ScriptFailure(failure, message: text) }
        self.programs[program.number] = reference
        self.numbers.withLock { _ = $0.insert(program.number) }
        return reference
    }

    func run(_ program: LuaProgram, _ expressions: [Int], _ variables: [JSONValue.Member], instructions: Int) throws(ScriptFailure) -> [JSONValue] {
        let reference = try self.reference(of: program)
        let input = LuaValues.encode(.object(variables))
        let which = expressions.map { UInt32($0) }
        var result: UnsafePointer<UInt8>?
        var count = 0
        let (code, text) = LuaState.withErrorText { error, capacity in
            pellucid_lua_run(self.lua, reference, input, input.count, which, which.count, instructions, &result, &count, error, capacity)
        }
        // The text may hold what the script was given; only the place in the code is passed on.
        if let failure = LuaState.failure(code) { throw ScriptFailure(failure, message: LuaState.place(in: text)) }
        let bytes = UnsafeRawBufferPointer(start: result, count: count)
        guard case .array(let values)? = LuaValues.decode(bytes), values.count == expressions.count else { throw ScriptFailure(.error, message: "its result") }
        return values
    }

    private static func failure(_ code: Int32) -> ScriptFailure.Code? {
        switch UInt32(code) {
        case PELLUCID_LUA_OK.rawValue: nil
        case PELLUCID_LUA_INSTRUCTIONS.rawValue: .instructions
        case PELLUCID_LUA_MEMORY.rawValue: .memory
        default: .error
        }
    }

    private static func withErrorText(_ body: (UnsafeMutablePointer<CChar>, Int) -> Int32) -> (code: Int32, text: String) {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
            guard let base = buffer.baseAddress else { return (Int32(PELLUCID_LUA_MEMORY.rawValue), "") }
            base.pointee = 0
            let code = body(base, buffer.count)
            return (code, String(cString: base))
        }
    }

    /// `name:line` at the beginning of a message of Lua's.
    static func place(in text: String) -> String {
        let parts = text.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2, !parts[1].isEmpty, parts[1].utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            parts[0].utf8.allSatisfy({ $0 == 0x5f || ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x41 && $0 <= 0x5a) || ($0 >= 0x61 && $0 <= 0x7a) })
        else { return "" }
        return "\(parts[0]):\(parts[1])"
    }
}

/// Lends an array of C strings for the length of a call.
private func withCStrings<Result>(_ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Result) -> Result {
    let copies = strings.map { Array($0.utf8CString) }
    var pointers: [UnsafePointer<CChar>?] = []
    func lend(_ index: Int) -> Result {
        guard index < copies.count else {
            pointers.append(nil)
            return pointers.withUnsafeBufferPointer { body($0.baseAddress!) }
        }
        return copies[index].withUnsafeBufferPointer { buffer in
            pointers.append(buffer.baseAddress)
            return lend(index + 1)
        }
    }
    return lend(0)
}
