import Glibc

/// One client connection: sends the request, reads the stream, and again.
final class StreamClient {
    let socket: Int32
    var isConnected = false
    var reader = StreamReader()
    /// When the running stream was asked for, monotonic nanoseconds.
    var sentAt: UInt64 = 0
    var firstEventAt: UInt64 = 0

    init(socket: Int32) { self.socket = socket }

    /// Sends the request; false when the socket did not take all of it (a request is far smaller than a socket buffer).
    func send(_ request: [UInt8]) -> Bool {
        reader.reset()
        firstEventAt = 0
        sentAt = monotonicNanoseconds()
        let count = request.withUnsafeBytes { Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        return count == request.count
    }
}
