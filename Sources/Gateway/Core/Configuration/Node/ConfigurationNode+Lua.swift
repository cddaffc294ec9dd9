extension ConfigurationNode {
    /// Lua code by name under `key` (Kong's `lua_code`).
    ///
    /// - Parameter isServed: whether this gateway runs it; else any code is refused.
    public mutating func optionalLuaMap(_ key: String, isServed: Bool = true) -> [String: String] {
        guard let code = self.optionalStringMap(key, keys: [.nonEmpty], values: [.nonEmpty]), !code.isEmpty else { return [:] }
        if !isServed { self.report("is Lua code, which this gateway does not run here", at: key, hint: "remove it") }
        return code
    }
}
