import NIOCore
import NIOPosix

/// The resolver as one connection attempt sees it: NIO tries what it gives by RFC 8305 (happy eyeballs), the families in a race of 250 ms a step.
final class LoopResolver: NIOPosix.Resolver, @unchecked Sendable {
    // Unchecked: immutable.
    private let resolver: DNSResolver
    private let loop: any EventLoop

    init(_ resolver: DNSResolver, on loop: any EventLoop) {
        self.resolver = resolver
        self.loop = loop
    }

    func initiateAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        self.resolver.options.asksForIPv4 ? self.addresses(host, port, isIPv6: false) : self.loop.makeSucceededFuture([])
    }

    func initiateAAAAQuery(host: String, port: Int) -> EventLoopFuture<[SocketAddress]> {
        self.resolver.options.asksForIPv6 ? self.addresses(host, port, isIPv6: true) : self.loop.makeSucceededFuture([])
    }

    /// Answers that come too late still go into the cache.
    func cancelQueries() {}

    private func addresses(_ host: String, _ port: Int, isIPv6: Bool) -> EventLoopFuture<[SocketAddress]> {
        let promise = self.loop.makePromise(of: [SocketAddress].self)
        self.resolver.addresses(of: host, isIPv6: isIPv6) { result in
            switch result {
            case .success(let found): promise.succeed(found.compactMap { try? SocketAddress(packedIPAddress: ByteBuffer(bytes: $0), port: port) })
            case .failure(let failure): promise.fail(failure)
            }
        }
        return promise.futureResult
    }
}
