/// One address of an upstream. Fields: Kong 3.15 `targets`.
public struct TargetEntity: ConfigurationEntity, Hashable {
    public let metadata: EntityMetadata
    /// Host or address with a port: `10.0.0.1:8080`; the port is 8000 when the file has none.
    public let target: String
    /// Share of traffic: 0 to 65,535, default 100.
    public let weight: Int
    /// Whether it only takes traffic while the others are unhealthy.
    public let isFailover: Bool
    /// The upstream it belongs to.
    public internal(set) var upstreamID: String
}
