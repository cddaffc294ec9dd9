import GatewayWire
import NIOCore

/// Takes the PROXY header off a connection and leaves the pipeline. Bytes that are no header end the connection: without one the client's address would be unknown.
final class ProxyHeaderHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let facts: ConnectionFacts
    private let onFailure: () -> Void
    private var bytes = ByteBuffer()
    private var isDone = false

    init(facts: ConnectionFacts, onFailure: @escaping () -> Void) {
        self.facts = facts
        self.onFailure = onFailure
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var received = Self.unwrapInboundIn(data)
        if self.isDone { return context.fireChannelRead(data) }
        self.bytes.writeBuffer(&received)
        do throws(ProxyHeader.Failure) {
            guard let header = try ProxyHeader.read(from: &self.bytes) else { return }
            self.facts.proxied = header.addresses
            self.isDone = true
            let rest = self.bytes
            self.bytes = ByteBuffer()
            if rest.readableBytes > 0 { context.fireChannelRead(Self.wrapInboundOut(rest)) }
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        } catch {
            self.onFailure()
            context.close(promise: nil)
        }
    }
}
