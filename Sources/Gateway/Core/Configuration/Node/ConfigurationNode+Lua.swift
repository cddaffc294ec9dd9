extension ConfigurationNode {
    /// Lua code by name under `key` (Kong's `lua_code`); any code is refused, since this gateway does not run Lua yet.
    public mutating func optionalLuaMap(_ key: String) -> [String: String] {
        guard let code = self.optionalStringMap(key, keys: [.nonEmpty], values: [.nonEmpty]), !code.isEmpty else { return [:] }
        self.report("is Lua code, which this gateway does not run yet", at: key, hint: "remove it")
        return code
    }
}
