import Glibc

/// One accepted connection: bytes not yet understood, bytes not yet sent, and the paced stream it carries, if any.
final class ServerConnection {
    /// A stream that gets one event every `interval` nanoseconds.
    struct PacedStream {
        var eventsLeft: Int
        let intervalNanoseconds: UInt64
        var dueNanoseconds: UInt64
    }

    let socket: Int32
    /// Distinguishes this connection from a later one on the same descriptor.
    let generation: UInt64
    var pending: [UInt8] = []
    var paced: PacedStream?
    var isWaitingToWrite = false
    private var unsent: [UInt8] = []
    private var unsentOffset = 0

    init(socket: Int32, generation: UInt64) {
        self.socket = socket
        self.generation = generation
    }

    var hasUnsent: Bool { unsentOffset < unsent.count }

    /// Sends what the socket takes and keeps the rest; false when the connection is broken.
    func send(_ bytes: [UInt8]) -> Bool {
        if hasUnsent {
            unsent.append(contentsOf: bytes)
            return true
        }
        let sent = bytes.withUnsafeBytes { write($0, from: 0) }
        guard sent >= 0 else { return false }
        if sent < bytes.count {
            unsent = bytes
            unsentOffset = sent
        }
        return true
    }

    /// Continues with what is unsent; false when the connection is broken.
    func flush() -> Bool {
        let sent = unsent.withUnsafeBytes { write($0, from: unsentOffset) }
        guard sent >= 0 else { return false }
        unsentOffset += sent
        if !hasUnsent {
            unsent = []
            unsentOffset = 0
        }
        return true
    }

    private func write(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        var offset = start
        while offset < bytes.count {
            let count = Glibc.send(socket, bytes.baseAddress?.advanced(by: offset), bytes.count - offset, Int32(MSG_NOSIGNAL))
            if count >= 0 {
                offset += count
            } else if errno == EAGAIN {
                break
            } else if errno != EINTR {
                return -1
            }
        }
        return offset - start
    }
}
