/// How a file is loaded.
public struct ConfigurationLoaderOptions: Sendable, Hashable {
    /// Whether a plugin or vault that Kong has and the gateway lacks is skipped with a warning instead of refused. Default false.
    public var allowsUnsupported = false
    /// Environment variables that `${{ env "NAME" }}` may read beside those that begin with `DECK_`.
    public var allowedEnvironmentNames: Set<String> = []
    /// Whether `${{ env "NAME" }}` is resolved at all; false for bodies that arrive by the Admin API. Default true.
    public var resolvesEnvironmentTemplates = true
    /// Protocols of a route that names none. Default https only, as Kong since 3.14.
    public var defaultRouteProtocols: [TrafficProtocol] = [.https]

    /// The defaults.
    public init() {}
}
