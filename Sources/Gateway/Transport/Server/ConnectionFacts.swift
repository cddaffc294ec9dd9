import GatewayCore
import GatewayWire
import NIOCore

/// What is learned of a client connection before its first request: the PROXY header, the server name, what TLS settled. Used on the connection's loop only.
final class ConnectionFacts {
    var proxied: ProxyHeader.Addresses?
    var serverName: String?
    var tls: ConnectionInfo.TLS?

    func info(of channel: any Channel, isHTTP2: Bool = false) -> ConnectionInfo {
        let remote = channel.remoteAddress
        let local = channel.localAddress
        return ConnectionInfo(
            clientAddress: remote?.ipAddress ?? "", clientPort: remote?.port ?? 0, localAddress: local?.ipAddress ?? "", localPort: local?.port ?? 0, isTLS: self.tls != nil,
            isHTTP2: isHTTP2, serverName: self.serverName, tls: self.tls, proxied: self.proxied)
    }
}

/// A client connection of a loop, whatever it speaks: what shutdown needs of it.
protocol ClientConnection: AnyObject {
    /// Closes when nothing is under way, and as soon as nothing is.
    func closeIfIdle()
    /// Ends the connection now.
    func forceClose(_ failure: DownstreamFailure)
}
