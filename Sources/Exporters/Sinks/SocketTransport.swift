internal import CCurl
#if canImport(Glibc)
    import Glibc
#endif

/// The network side of a ``SocketLogSink``: makes the connection when there is something to send, keeps it, and drops it when it fails.
///
/// Belongs to the sending thread. Its calls wait, up to the configured time.
final class SocketTransport: @unchecked Sendable {
    // Unchecked: used by one thread.

    /// What became of a batch.
    struct Sent {
        /// Lines handed to the network, from the front.
        var lines = 0
        /// Lines behind those that can never be sent.
        var refused = 0
        /// Lines that may have arrived although sending failed.
        var inDoubt = 0
        var failure: StaticString?
    }

    private static let global: Void = pellucid_curl_start()

    private let place: SocketLogPlace
    private var connection: OpaquePointer?
    private var descriptor: Int32 = -1
    private var isStream = false

    init(_ place: SocketLogPlace) {
        self.place = place
        _ = SocketTransport.global
    }

    deinit { self.close() }

    /// Where to, for the log.
    var description: String {
        switch self.place {
        case .tcp(let host, let port, _), .udp(let host, let port, _), .tls(let host, let port, _, _, _): "\(host):\(port)"
        case .syslog(let path, _, _, _): path
        }
    }

    func close() {
        if let connection { pellucid_connection_close(connection) }
        self.connection = nil
        if self.descriptor >= 0 { _ = Glibc.close(self.descriptor) }
        self.descriptor = -1
    }

    func send(_ batch: [[UInt8]]) -> Sent {
        switch self.place {
        case .tcp(let host, let port, let timeout): self.sendStream(batch, host, port, timeout, tls: nil)
        case .tls(let host, let port, let name, let verifies, let timeout): self.sendStream(batch, host, port, timeout, tls: (name, verifies))
        case .udp(let host, let port, let timeout): self.sendDatagrams(batch, timeout) { pellucid_datagram_udp(host, Int32(port)) }
        case .syslog(let path, _, _, _): self.sendDatagrams(batch, 1000) { [self] in pellucid_datagram_unix(path, &self.isStream) }
        }
    }

    private func sendStream(_ batch: [[UInt8]], _ host: String, _ port: Int, _ timeout: Int, tls: (name: String?, verifies: Bool)?) -> Sent {
        if let connection, pellucid_connection_is_closed(connection) { self.close() }
        if self.connection == nil {
            var result: Int32 = 0
            self.connection = pellucid_connection_open(host, Int32(port), timeout, tls != nil, tls?.verifies ?? true, tls?.name, &result)
            guard self.connection != nil else { return Sent(failure: SocketTransport.name(result)) }
        }
        let bytes = Array(batch.joined())
        var count = 0
        if pellucid_connection_send(self.connection, bytes, bytes.count, timeout, &count) { return Sent(lines: batch.count) }
        self.close()
        // Whole lines are gone; the one that broke off is sent again on another connection.
        var sent = Sent(failure: "send")
        var length = 0
        for line in batch where length + line.count <= count {
            length += line.count
            sent.lines += 1
        }
        sent.inDoubt = sent.lines
        return sent
    }

    private func sendDatagrams(_ batch: [[UInt8]], _ timeout: Int, _ make: () -> Int32) -> Sent {
        var sent = Sent()
        for line in batch {
            if self.descriptor < 0 {
                self.descriptor = make()
                guard self.descriptor >= 0 else {
                    sent.failure = AppendFileError.name(errno)
                    return sent
                }
            }
            // A stream socket of a syslog takes lines that end in a zero byte.
            let bytes = self.isStream ? line + [0] : line
            var code = pellucid_datagram_send(self.descriptor, bytes, bytes.count, Int32(clamping: timeout))
            // The answer to an earlier datagram, for want of a listener; this one was not sent yet.
            if code == ECONNREFUSED, self.isUDP { code = pellucid_datagram_send(self.descriptor, bytes, bytes.count, Int32(clamping: timeout)) }
            switch code {
            case 0: sent.lines += 1
            case EMSGSIZE:
                // Only from the front: what was sent before comes first, then one that is passed over, then the next call.
                sent.refused = 1
                return sent
            case let code:
                self.close()
                sent.failure = AppendFileError.name(code)
                return sent
            }
        }
        return sent
    }

    private var isUDP: Bool { if case .udp = self.place { true } else { false } }

    private static func name(_ result: Int32) -> StaticString {
        switch UInt32(result) {
        case PELLUCID_TRANSFER_BAD_URL.rawValue: "bad_address"
        case PELLUCID_TRANSFER_RESOLVE.rawValue: "resolve"
        case PELLUCID_TRANSFER_CONNECT.rawValue: "connect"
        case PELLUCID_TRANSFER_CONNECT_TIMEOUT.rawValue: "connect_timeout"
        case PELLUCID_TRANSFER_TLS.rawValue: "tls"
        default: "other"
        }
    }
}
