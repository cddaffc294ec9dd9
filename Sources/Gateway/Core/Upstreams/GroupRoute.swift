import GatewayWire
import NIOCore
import Synchronization

/// One request's way through an upstream: its key, the targets it tried, and the cookie that keeps a client with its target.
final class GroupRoute {
    let group: UpstreamGroup
    private var key = UpstreamGroup.Key()
    private var tried: [ObjectIdentifier] = []
    private var target: UpstreamGroup.Target?
    /// A Set-Cookie value for the client; nil: it has its cookie, or needs none.
    private(set) var cookie: String?

    init(_ group: UpstreamGroup, _ request: borrowing GatewayRequest) {
        self.group = group
        let entity = group.entity
        if entity.algorithm == .stickySessions, let name = entity.stickySessionsCookie { self.key.token = GroupRoute.cookie(name, request) }
        guard entity.algorithm == .consistentHashing else { return }
        let first = GroupRoute.value(
            entity.hashOn, header: entity.hashOnHeader, cookie: entity.hashOnCookie, argument: entity.hashOnQueryArgument, capture: entity.hashOnURICapture, request)
        let value =
            first
            ?? GroupRoute.value(
                entity.hashFallback, header: entity.hashFallbackHeader, cookie: entity.hashOnCookie, argument: entity.hashFallbackQueryArgument,
                capture: entity.hashFallbackURICapture, request)
        if let value {
            self.key.hash = BalancingHash.of(value.utf8)
        } else if let name = entity.hashOnCookie, entity.hashOn == .cookie || entity.hashFallback == .cookie {
            // Kong gives a client without the cookie one, and hashes that from the first request on.
            let made = String(UInt64.random(in: .min ... .max), radix: 16) + String(UInt64.random(in: .min ... .max), radix: 16)
            self.cookie = "\(name)=\(made); Path=\(entity.hashOnCookiePath); HttpOnly"
            self.key.hash = BalancingHash.of(made.utf8)
        }
    }

    deinit { self.target?.health.inFlight.wrappingSubtract(1, ordering: .relaxed) }

    /// The target of the next attempt; nil when none may be used.
    func next() -> UpstreamGroup.Target? {
        guard let target = self.group.choose(self.key, tried: self.tried) else { return nil }
        self.target = target
        self.tried.append(ObjectIdentifier(target))
        let entity = self.group.entity
        if entity.algorithm == .stickySessions, let name = entity.stickySessionsCookie, self.key.token != target.token {
            self.cookie = "\(name)=\(target.token); Path=\(entity.stickySessionsCookiePath); HttpOnly"
        }
        target.health.inFlight.wrappingAdd(1, ordering: .relaxed)
        return target
    }

    /// Ends an attempt.
    ///
    /// - Parameters:
    ///   - status: of the answer; 0: none came.
    ///   - failure: what went wrong on the upstream's side; nil with status 0: the client left.
    ///   - latency: to the answer's head, nanoseconds.
    func ended(status: Int, failure: UpstreamFailure?, latency: UInt64) {
        guard let target else { return }
        self.target = nil
        target.health.inFlight.wrappingSubtract(1, ordering: .relaxed)
        if status > 0 {
            target.health.observe(latency: latency)
            return self.group.observe(.status(status), of: target)
        }
        switch failure {
        case .connectTimeout, .readTimeout, .sendTimeout: self.group.observe(.timeout, of: target)
        case .nameResolution, .connectRefused, .tls, .proxyRefused, .closedBeforeResponse, .closedMidResponse, .malformed: self.group.observe(.tcpFailure, of: target)
        case .cancelled, .connectionLimit, .noTarget, .unauthorized, .declined, nil: break
        }
    }

    // MARK: What is hashed

    private static func value(
        _ input: UpstreamEntity.HashInput, header: String?, cookie: String?, argument: String?, capture: String?, _ request: borrowing GatewayRequest
    ) -> String? {
        switch input {
        case .none: return nil
        case .consumer: return request.consumer?.id ?? request.credentialID
        case .ip: return request.connection.clientAddress
        case .header:
            guard let header else { return nil }
            return request.fields.firstString(name: header)
        case .cookie:
            guard let cookie else { return nil }
            return GroupRoute.cookie(cookie, request)
        case .path: return String(buffer: request.normalizedPath)
        case .queryArgument:
            guard let argument, let query = request.query else { return nil }
            for pair in query.readableBytesView.split(separator: 0x26) {
                let parts = pair.split(separator: 0x3d, maxSplits: 1, omittingEmptySubsequences: false)
                if parts[0].elementsEqual(argument.utf8) { return parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : "" }
            }
            return nil
        case .uriCapture:
            guard let capture, let captures = request.captures else { return nil }
            if let number = Int(capture), captures.numbered.indices.contains(number - 1) { return captures.numbered[number - 1] }
            return captures.named[capture]
        }
    }

    private static func cookie(_ name: String, _ request: borrowing GatewayRequest) -> String? {
        guard let line = request.fields.firstString(.cookie) else { return nil }
        for pair in line.split(separator: ";") {
            let pair = pair.drop { $0 == " " }
            if let equals = pair.firstIndex(of: "="), pair[..<equals] == name { return String(pair[pair.index(after: equals)...]) }
        }
        return nil
    }
}
