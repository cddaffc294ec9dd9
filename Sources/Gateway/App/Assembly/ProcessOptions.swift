import GatewayCore

/// Everything the command line and the environment decide before a configuration is read.
struct ProcessOptions {
    var proxy: [ListenAddress] = []
    var admin: ListenAddress?
    var status: ListenAddress?
    var hasExplicitProxyAddress = false
    var stateDirectory = ""
    var workers: Int?
    var loading = ConfigurationLoaderOptions()
    var source = ConfigurationSource.text("", name: "")
    /// Printed on standard error once the listeners are bound, with their real ports.
    var greeting: @Sendable (_ proxy: String, _ status: String?) -> String? = { _, _ in nil }
}

/// Where a configuration is read from.
enum ConfigurationSource: Sendable {
    case file(String)
    /// Made by the program itself.
    case text(String, name: String)

    var name: String {
        switch self {
        case .file(let path): path
        case .text(_, let name): name
        }
    }
}

/// Where state lives unless the command line says otherwise.
enum StateDirectory {
    static func standard(_ environment: [String: String]) -> String {
        if let path = environment["PELLUCID_STATE_DIR"], !path.isEmpty { return path }
        if let base = environment["XDG_STATE_HOME"], !base.isEmpty { return "\(base)/pellucid" }
        return "\(environment["HOME"] ?? "/var/lib")/.local/state/pellucid"
    }
}
