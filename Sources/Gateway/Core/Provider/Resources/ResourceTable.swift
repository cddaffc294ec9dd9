public import GatewayWire
public import NIOCore

/// What a vendor's API has for one operation in its own format: batches, files, videos, sessions.
public struct ResourceTable: Sendable {
    private let patterns: [ResourcePattern]

    /// - Parameter patterns: more specific ones first.
    public init(_ patterns: [ResourcePattern]) { self.patterns = patterns }

    /// What a client asks for.
    ///
    /// - Parameter path: as the client sent it, without the query.
    /// - Throws: 404 for everything the table has no place for, whatever the vendor would say to it.
    public func call(_ method: HTTPMethod, _ path: ByteBufferView) throws(ProviderFailure) -> ResourceCall {
        let text = String(decoding: path, as: UTF8.self)
        let segments = text.split(separator: "/", omittingEmptySubsequences: false)
        for pattern in self.patterns where pattern.methods.contains(method) {
            guard let names = pattern.names(segments) else { continue }
            return ResourceCall(pattern: pattern, names: names, prefix: segments.dropLast(pattern.pieces.count).joined(separator: "/"))
        }
        throw ProviderFailure("unknown_action", status: 404, message: "\(method.name.prefix(16)) \(text.prefix(64)) is not served by this route")
    }
}

/// A request for one of a vendor's resources.
public struct ResourceCall: Sendable {
    public let pattern: ResourcePattern
    private let names: [(kind: ResourcePattern.Kind, value: String)]
    /// What stands in the client's path before the vendor's: empty, or from "/" on.
    public let prefix: String

    init(pattern: ResourcePattern, names: [(kind: ResourcePattern.Kind, value: String)], prefix: String) {
        self.pattern = pattern
        self.names = names
        self.prefix = prefix
    }

    /// The model that the path names; nil: it names none.
    public var model: String? { self.names.first { $0.kind == .model }?.value }

    /// The vendor's path.
    public var path: String { self.pattern.path(self.names) }

    /// The same for another model.
    public func naming(_ model: String) -> ResourceCall {
        ResourceCall(pattern: self.pattern, names: self.names.map { $0.kind == .model ? ($0.kind, model) : $0 }, prefix: self.prefix)
    }

    /// The models that a body names, each once, as they are written there.
    public func models(in body: JSONView) -> [String] {
        guard !self.pattern.modelKeys.isEmpty else { return [] }
        var found: [String] = []
        Self.collect(body, self.pattern.modelKeys[...], &found)
        return found
    }

    private static func collect(_ value: JSONView, _ keys: ArraySlice<String>, _ found: inout [String]) {
        guard let key = keys.first else {
            if let text = value.string, !found.contains(text) { found.append(text) }
            return
        }
        if key == "*" {
            for element in value.elements { self.collect(element, keys.dropFirst(), &found) }
        } else {
            // Every one of several members with the same key: nobody knows which one a recipient takes.
            for (name, member) in value.members where name.string == key { self.collect(member, keys.dropFirst(), &found) }
        }
    }
}

/// An adapter whose vendor has more than answers of models, for clients of its own format: bytes pass, authenticated for the vendor.
public protocol ResourceAdapter: ProviderAdapter {
    /// What there is of an operation; nil: nothing.
    func resources(of operation: ModelOperation) -> ResourceTable?
    /// Where a resource is. A path in `settings.upstreamURL` stands before the vendor's.
    func locate(_ call: ResourceCall, _ settings: ProviderSettings) throws(ProviderFailure) -> ProviderLocation
    /// Parameters of a query by which clients authenticate themselves, which are not passed on.
    var credentialParameters: [String] { get }
    /// Members of answers that hold addresses of the vendor, which clients ask next; default none.
    var linkMembers: [String] { get }
}

extension ResourceAdapter {
    public var credentialParameters: [String] { [] }
    public var linkMembers: [String] { [] }
}
