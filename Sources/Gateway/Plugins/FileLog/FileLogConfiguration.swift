public import GatewayCore

/// Configuration of `file-log`. Names, types and defaults: Kong 3.15.
public struct FileLogConfiguration: GatewayConfiguration, Hashable {
    /// File the log lines go to; made when it is not there.
    public let path: String
    /// Whether the file is closed and opened again for every request, so that it may be moved away. Default false.
    public let reopensForEveryRequest: Bool
    /// Fields to change in the line, by name, as Lua code.
    public let customFieldsByLua: [String: String]

    public init(from node: inout ConfigurationNode) {
        self.path = node.requiredString("path", Self.fileName)
        self.reopensForEveryRequest = node.bool("reopen", default: false)
        self.customFieldsByLua = node.optionalLuaMap("custom_fields_by_lua")
    }

    /// Kong's rule for file names (kong/plugins/file-log/schema.lua): two characters or more, no `*`, `&`, `%` or backquote, no
    /// white space at either end.
    private static let fileName = StringRule("not a valid file name", hint: "no '*', '&', '%' or '`', no space at the ends") { text in
        let isForbidden: (UInt8) -> Bool = { $0 == 0x2A || $0 == 0x26 || $0 == 0x25 || $0 == 0x60 || $0 == 0 }
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0D).contains($0) }
        guard text.utf8.count >= 2, let first = text.utf8.first, let last = text.utf8.last else { return false }
        return !text.utf8.contains(where: isForbidden) && !isSpace(first) && !isSpace(last)
    }
}
