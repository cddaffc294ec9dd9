public import GatewayCore

/// `vectordb`: where vectors are searched. Names, types and defaults: Kong 3.15.
public struct VectorDatabaseConfiguration: GatewayConfiguration, Hashable {
    public let strategy: Strategy
    public let dimensions: Int
    public let metric: Metric
    /// Greatest distance of a match (cosine: 0...2); nil: everything matches.
    public let threshold: Double?
    public let redis: RedisConfiguration
    public let pgvector: PGVectorConfiguration

    public enum Strategy: String, Sendable, Hashable, CaseIterable { case redis, pgvector }
    public enum Metric: String, Sendable, Hashable, CaseIterable { case cosine, euclidean }

    public init(from node: inout ConfigurationNode) {
        self.strategy = node.requiredChoice("strategy", placeholder: .redis)
        self.dimensions = node.requiredInt("dimensions", in: 1...65_536)
        self.metric = node.requiredChoice("distance_metric", placeholder: .cosine)
        self.threshold = node.optionalNumber("threshold")
        self.redis = node.configurationOrDefaults("redis")
        self.pgvector = node.configurationOrDefaults("pgvector")
    }
}

/// `vectordb.pgvector`.
public struct PGVectorConfiguration: GatewayConfiguration, Hashable {
    public let host: String
    public let port: Int
    public let database: String
    public let user: String
    public let password: String?
    public let timeoutMilliseconds: Double
    public let usesTLS: Bool
    public let requiresTLS: Bool
    public let verifiesTLS: Bool
    public let tlsVersion: TLSVersion
    public let certificatePath: String?
    public let certificateKeyPath: String?

    public enum TLSVersion: String, Sendable, Hashable, CaseIterable {
        case tls12 = "tlsv1_2"
        case tls13 = "tlsv1_3"
        case any
    }

    public init(from node: inout ConfigurationNode) {
        self.host = node.string("host", default: "127.0.0.1")
        self.port = node.int("port", default: 5432)
        self.database = node.string("database", default: "kong-pgvector")
        self.user = node.string("user", default: "postgres", referenceable: true)
        self.password = node.optionalString("password", referenceable: true)
        self.timeoutMilliseconds = node.number("timeout", default: 5000)
        self.usesTLS = node.bool("ssl", default: false)
        self.requiresTLS = node.bool("ssl_required", default: false)
        self.verifiesTLS = node.bool("ssl_verify", default: true)
        self.tlsVersion = node.choice("ssl_version", default: .tls12)
        self.certificatePath = node.optionalString("ssl_cert")
        self.certificateKeyPath = node.optionalString("ssl_cert_key")
    }
}

/// A connection to Redis, as Kong's plugins describe it.
public struct RedisConfiguration: GatewayConfiguration, Hashable {
    public let host: String
    public let port: Int
    public let database: Int
    public let username: String?
    public let password: String?
    public let usesTLS: Bool
    public let verifiesTLS: Bool
    public let serverName: String?
    public let connectTimeoutMilliseconds: Int
    public let readTimeoutMilliseconds: Int
    public let sendTimeoutMilliseconds: Int
    public let poolSize: Int
    public let backlog: Int?
    public let isProxied: Bool
    public let clusterNodes: [Node]?
    public let clusterRedirections: Int
    public let sentinelMaster: String?
    public let sentinelRole: SentinelRole?
    public let sentinelNodes: [Node]?
    public let sentinelUsername: String?
    public let sentinelPassword: String?
    /// For a Redis of a cloud provider; without a provider nothing of it counts.
    public let cloud: CloudAuthentication

    public struct Node: Sendable, Hashable {
        public let host: String
        public let port: Int
    }

    public enum SentinelRole: String, Sendable, Hashable, CaseIterable { case master, slave, any }

    private static let timeouts = 0...2_147_483_646

    public init(from node: inout ConfigurationNode) {
        self.host = node.string("host", default: "127.0.0.1", referenceable: true)
        self.port = node.int("port", default: 6379, in: 0...65_535)
        self.database = node.int("database", default: 0)
        self.username = node.optionalString("username", referenceable: true)
        self.password = node.optionalString("password", referenceable: true)
        self.usesTLS = node.bool("ssl", default: false)
        self.verifiesTLS = node.bool("ssl_verify", default: true)
        self.serverName = node.optionalString("server_name", referenceable: true)
        self.connectTimeoutMilliseconds = node.int("connect_timeout", default: 2000, in: Self.timeouts)
        self.readTimeoutMilliseconds = node.int("read_timeout", default: 2000, in: Self.timeouts)
        self.sendTimeoutMilliseconds = node.int("send_timeout", default: 2000, in: Self.timeouts)
        self.poolSize = node.int("keepalive_pool_size", default: 256, in: 1...2_147_483_646)
        self.backlog = node.optionalInt("keepalive_backlog", in: Self.timeouts)
        self.isProxied = node.bool("connection_is_proxied", default: false)
        self.clusterNodes = node.optionalObjects("cluster_nodes", count: 1...Int.max) {
            Node(host: $0.string("ip", default: "127.0.0.1"), port: $0.int("port", default: 6379, in: 0...65_535))
        }
        self.clusterRedirections = node.int("cluster_max_redirections", default: 5)
        self.sentinelMaster = node.optionalString("sentinel_master")
        self.sentinelRole = node.optionalChoice("sentinel_role")
        self.sentinelNodes = node.optionalObjects("sentinel_nodes", count: 1...Int.max) {
            Node(host: $0.string("host", default: "127.0.0.1"), port: $0.int("port", default: 6379, in: 0...65_535))
        }
        self.sentinelUsername = node.optionalString("sentinel_username", referenceable: true)
        self.sentinelPassword = node.optionalString("sentinel_password", referenceable: true)
        self.cloud = node.configurationOrDefaults("cloud_authentication")
    }

    /// `cloud_authentication`.
    public struct CloudAuthentication: GatewayConfiguration, Hashable {
        public let provider: Provider?
        public let awsCacheName: String?
        public let awsIsServerless: Bool
        public let awsRegion: String?
        public let awsAccessKeyID: String?
        public let awsSecretAccessKey: String?
        public let awsAssumeRoleARN: String?
        public let awsRoleSessionName: String?
        public let azureClientID: String?
        public let azureClientSecret: String?
        public let azureTenantID: String?
        public let gcpServiceAccountJSON: String?

        public enum Provider: String, Sendable, Hashable, CaseIterable { case aws, azure, gcp }

        public init(from node: inout ConfigurationNode) {
            self.provider = node.optionalChoice("auth_provider")
            self.awsCacheName = node.optionalString("aws_cache_name", referenceable: true)
            self.awsIsServerless = node.bool("aws_is_serverless", default: true)
            self.awsRegion = node.optionalString("aws_region", referenceable: true)
            self.awsAccessKeyID = node.optionalString("aws_access_key_id", referenceable: true)
            self.awsSecretAccessKey = node.optionalString("aws_secret_access_key", referenceable: true)
            self.awsAssumeRoleARN = node.optionalString("aws_assume_role_arn", referenceable: true)
            self.awsRoleSessionName = node.optionalString("aws_role_session_name", referenceable: true)
            self.azureClientID = node.optionalString("azure_client_id", referenceable: true)
            self.azureClientSecret = node.optionalString("azure_client_secret", referenceable: true)
            self.azureTenantID = node.optionalString("azure_tenant_id", referenceable: true)
            self.gcpServiceAccountJSON = node.optionalString("gcp_service_account_json", referenceable: true)
        }
    }
}
