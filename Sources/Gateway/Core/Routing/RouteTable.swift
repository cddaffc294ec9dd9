/// The index of a router: flat arrays of plain values, so that a lookup touches little memory and counts no references.
struct RouteTable: Sendable {
    /// One part of a route, in the order of rank: the number of a matcher is its rank, 0 is tried first.
    struct Matcher: Sendable {
        var routeIndex: Int32
        /// Bits of the first 64 methods the routes name; 0 with `hasMethods` false matches any.
        var methods: UInt64 = 0
        var hasMethods = false
        /// Methods beyond the first 64.
        var rareMethods = Span()
        var headers = Span()
        var serverNames = Span()
        /// Status for plaintext requests when the route is for TLS only, else 0.
        var redirectStatus: Int32 = 0
    }

    /// A run of elements in another array.
    struct Span: Sendable {
        var start: Int32 = 0
        var count: Int32 = 0
        var range: Range<Int> { Int(self.start)..<Int(self.start + self.count) }
    }

    /// A matcher under one host and one path.
    struct Candidate: Sendable {
        var matcher: Int32
        /// Port the host was given with, or -1.
        var port: Int32
        /// Index of an expression, or -1 when the path is a prefix.
        var pattern: Int32
    }

    /// What stands under one path.
    struct Slot: Sendable {
        /// Candidates that are looked at one after the other, best first.
        var candidates: Span
        /// Groups of candidates that are found by the value of a header.
        var groups = Span()
    }

    /// Candidates of one slot that need some value of the same header.
    struct HeaderGroup: Sendable {
        let name: [UInt8]
    }

    /// A header a matcher needs.
    struct HeaderCondition: Sendable {
        let name: [UInt8]
        /// Lower-case values, any of which will do.
        let values: [[UInt8]]
        let patterns: [Int]
    }

    /// A server name with a wildcard at one end at most.
    struct ServerNameCondition: Sendable {
        enum Kind: Sendable { case exact, suffix, prefix }
        let kind: Kind
        let bytes: [UInt8]
    }

    var matchers: [Matcher] = []
    var candidates: [Candidate] = []
    var headers: [HeaderCondition] = []
    var serverNames: [ServerNameCondition] = []
    var methods: [[UInt8]] = []
    var rareMethods: [Int32] = []
    var patterns: [any CompiledPattern] = []
    /// Buckets of hosts by exact name, by what follows `*` (key: bytes reversed), by what precedes `*`.
    var exactHosts = ByteTable()
    var hostSuffixes = ByteTable()
    var hostPrefixes = ByteTable()
    /// Lengths of the paths in each bucket, ascending; bucket 0 is for any host.
    var pathLengths: [[Int]] = []
    /// Paths of all buckets; the value is an index into `slots`.
    var paths = ByteTable()
    /// Candidates under one path of one bucket.
    var slots: [Slot] = []
    /// Headers by whose value the candidates of crowded slots are found.
    var headerGroups: [HeaderGroup] = []
    /// Values of those headers in lower case; the namespace is the group, the value an index into `valueSlots`.
    var headerValues = ByteTable()
    /// Candidates that need one value of a header, best first.
    var valueSlots: [Span] = []
}
