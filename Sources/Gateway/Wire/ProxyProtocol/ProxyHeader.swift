public import NIOCore

/// The header a load balancer puts in front of a connection's bytes, so that the server learns who connected to it.
///
/// Both versions of https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt, strictly: what is not a header ends the connection, since guessing would let a client name its own address.
public struct ProxyHeader: Sendable, Equatable {
    /// The connection the load balancer accepted.
    public struct Addresses: Sendable, Equatable {
        public let sourceAddress: String
        public let sourcePort: Int
        public let destinationAddress: String
        public let destinationPort: Int

        public init(sourceAddress: String, sourcePort: Int, destinationAddress: String, destinationPort: Int) {
            self.sourceAddress = sourceAddress
            self.sourcePort = sourcePort
            self.destinationAddress = destinationAddress
            self.destinationPort = destinationPort
        }
    }

    /// nil: a connection of the load balancer's own (LOCAL, a health check), or of a family without addresses (UNKNOWN, AF_UNSPEC, AF_UNIX).
    public let addresses: Addresses?

    public init(addresses: Addresses?) { self.addresses = addresses }

    /// Why bytes are no header.
    public enum Failure: Error, Sendable, Equatable { case invalid, tooLarge }

    /// Version 2 allows 64 KiB of extensions; no sender needs a thousandth of it.
    static let maximumBytes = 4096
    private static let signature: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]

    /// Reads a header off the front of what has arrived; the rest stays in the buffer.
    ///
    /// - Returns: nil when more bytes are needed.
    public static func read(from bytes: inout ByteBuffer) throws(Failure) -> ProxyHeader? {
        let view = bytes.readableBytesView
        if let first = view.first, first == 0x0d { return try self.readBinary(from: &bytes) }
        let expected = Array("PROXY ".utf8)
        guard view.prefix(expected.count).elementsEqual(expected.prefix(view.count)) else { throw .invalid }
        guard view.count > expected.count else { return nil }
        return try self.readText(from: &bytes)
    }

    // MARK: Version 1

    private static func readText(from bytes: inout ByteBuffer) throws(Failure) -> ProxyHeader? {
        let view = bytes.readableBytesView
        // "107 bytes suffice for the worst case", its line end included.
        guard let end = view.prefix(107).firstIndex(of: 0x0a) else {
            if view.count >= 107 { throw .tooLarge }
            return nil
        }
        let length = end - view.startIndex
        guard length >= 1, view[end - 1] == 0x0d else { throw .invalid }
        let words = view.prefix(length - 1).split(separator: 0x20, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
        bytes.moveReaderIndex(forwardBy: length + 1)
        guard words.count >= 2 else { throw .invalid }
        if words[1] == "UNKNOWN" { return ProxyHeader(addresses: nil) }
        guard words.count == 6, words[1] == "TCP4" || words[1] == "TCP6", let source = self.port(words[4]), let destination = self.port(words[5]) else { throw .invalid }
        for text in words[2...3] {
            guard let address = try? SocketAddress(ipAddress: text, port: 0), (address.protocol == .inet6) == (words[1] == "TCP6") else { throw .invalid }
        }
        return ProxyHeader(addresses: Addresses(sourceAddress: words[2], sourcePort: source, destinationAddress: words[3], destinationPort: destination))
    }

    private static func port(_ text: String) -> Int? {
        guard !text.isEmpty, text.utf8.count <= 5, text.utf8.allSatisfy(ByteScan.isDigit), text == "0" || !text.hasPrefix("0"), let port = Int(text), port <= 65_535 else {
            return nil
        }
        return port
    }

    // MARK: Version 2

    private static func readBinary(from bytes: inout ByteBuffer) throws(Failure) -> ProxyHeader? {
        let view = bytes.readableBytesView
        guard view.prefix(12).elementsEqual(self.signature.prefix(view.count)) else { throw .invalid }
        guard view.count >= 16 else { return nil }
        let start = view.startIndex
        let (versionAndCommand, family) = (view[start + 12], view[start + 13])
        let length = Int(view[start + 14]) << 8 | Int(view[start + 15])
        guard versionAndCommand >> 4 == 2, versionAndCommand & 0x0f <= 1 else { throw .invalid }
        guard length + 16 <= self.maximumBytes else { throw .tooLarge }
        guard view.count >= 16 + length else { return nil }
        let block = Array(view[(start + 16)..<(start + 16 + length)])
        bytes.moveReaderIndex(forwardBy: 16 + length)
        guard versionAndCommand & 0x0f == 1 else { return ProxyHeader(addresses: nil) }
        switch family {
        case 0x11: return ProxyHeader(addresses: try self.addresses(block, size: 4))
        case 0x21: return ProxyHeader(addresses: try self.addresses(block, size: 16))
        case 0x00, 0x12, 0x22, 0x31, 0x32: return ProxyHeader(addresses: nil)
        default: throw .invalid
        }
    }

    private static func addresses(_ block: [UInt8], size: Int) throws(Failure) -> Addresses {
        guard block.count >= 2 * size + 4 else { throw .invalid }
        func address(at offset: Int) throws(Failure) -> String {
            guard let text = (try? SocketAddress(packedIPAddress: ByteBuffer(bytes: block[offset..<(offset + size)]), port: 0))?.ipAddress else { throw .invalid }
            return text
        }
        func port(at offset: Int) -> Int { Int(block[offset]) << 8 | Int(block[offset + 1]) }
        return Addresses(
            sourceAddress: try address(at: 0), sourcePort: port(at: 2 * size), destinationAddress: try address(at: size), destinationPort: port(at: 2 * size + 2))
    }
}
