import GatewayCore
import GatewayWire
import NIOCore

/// Asks a forward proxy for a tunnel to the upstream (RFC 9110 section 9.3.6), and leaves the pipeline when it is there. Until then the handlers behind it do not see the connection
/// as open.
final class ProxyTunnelHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The proxy answered with something else than a tunnel.
    struct Refused: Error {
        /// Its status; 0: no HTTP.
        let status: Int
    }

    private let target: String
    private let authorization: String?
    private var parser = HTTPResponseParser()
    private var input = ByteBuffer()
    private var isOver = false

    init(endpoint: UpstreamEndpoint, proxy: UpstreamProxy) {
        // A tunnel's target always has its port (RFC 9112 section 3.2.3).
        let host = endpoint.host.contains(":") && !endpoint.host.hasPrefix("[") ? "[\(endpoint.host)]" : endpoint.host
        self.target = "\(host):\(endpoint.port)"
        self.authorization = proxy.authorization
        self.parser.expect(.connect)
    }

    func channelActive(context: ChannelHandlerContext) {
        var bytes = context.channel.allocator.buffer(capacity: 256)
        bytes.writeString("CONNECT \(self.target) HTTP/1.1\r\nHost: \(self.target)\r\n")
        if let authorization { bytes.writeString("Proxy-Authorization: \(authorization)\r\n") }
        bytes.writeStaticString("\r\n")
        context.writeAndFlush(Self.wrapOutboundOut(bytes), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.isOver else { return context.fireChannelRead(data) }
        var received = Self.unwrapInboundIn(data)
        self.input.writeBuffer(&received)
        do throws(HTTPParseError) {
            while let event = try self.parser.next(&self.input) {
                switch event {
                case .informational: continue
                case .head(let head) where 200..<300 ~= head.status: continue
                case .head(let head): return self.refuse(context, head.status)
                case .end: return self.open(context)
                case .body: return self.refuse(context, 0)
                }
            }
        } catch {
            self.refuse(context, 0)
        }
    }

    private func open(_ context: ChannelHandlerContext) {
        self.isOver = true
        context.fireChannelActive()
        if self.input.readableBytes > 0 { context.fireChannelRead(Self.wrapInboundOut(self.input)) }
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }

    private func refuse(_ context: ChannelHandlerContext, _ status: Int) {
        self.isOver = true
        context.fireErrorCaught(Refused(status: status))
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !self.isOver {
            self.isOver = true
            context.fireErrorCaught(Refused(status: 0))
        }
        context.fireChannelInactive()
    }
}
