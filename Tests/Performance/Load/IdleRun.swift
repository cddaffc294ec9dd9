import Glibc

/// `idle`: opens many slow streams, says when all of them flow, and holds them until its standard input ends.
final class IdleRun {
    private let request: StreamRequest
    private let connectionCount: Int
    private let poller: Poller
    private var clients: [StreamClient?] = []
    private var opened = 0
    private var flowing = 0
    private var failed = 0
    private var events = 0
    private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 64)

    /// Connections on their way at once: below any listen backlog.
    private static let openingAtOnce = 256

    init(_ arguments: Arguments) throws(LoadError) {
        request = try StreamRequest(arguments)
        connectionCount = try arguments.number("connections", default: 8000)
        poller = try Poller()
    }

    deinit { scratch.deallocate() }

    func run() throws(LoadError) {
        let deadline = monotonicNanoseconds() + 120_000_000_000
        while flowing + failed < connectionCount && monotonicNanoseconds() < deadline {
            while opened < connectionCount && opened - flowing - failed < IdleRun.openingAtOnce { try open() }
            try step(milliseconds: 100)
        }
        report("flowing")
        try poller.add(STDIN_FILENO, .read)
        var isHeld = true
        while isHeld {
            try poller.wait(milliseconds: -1) { (socket, readable, writable) throws(LoadError) in
                if socket == STDIN_FILENO {
                    isHeld = read(STDIN_FILENO, scratch.baseAddress, scratch.count) > 0
                } else {
                    try handle(socket, readable, writable)
                }
            }
        }
        report("end")
    }

    private func report(_ moment: StaticString) {
        Output.line(#"{"moment":"\#(moment)","flowing":\#(flowing),"failed":\#(failed),"events":\#(events)}"#)
    }

    private func step(milliseconds: Int32) throws(LoadError) {
        try poller.wait(milliseconds: milliseconds) { (socket, readable, writable) throws(LoadError) in try handle(socket, readable, writable) }
    }

    private func open() throws(LoadError) {
        let socket = try Sockets.connect(to: request.address)
        while clients.count <= Int(socket) { clients.append(nil) }
        clients[Int(socket)] = StreamClient(socket: socket)
        opened += 1
        try poller.add(socket, .write)
    }

    private func handle(_ socket: Int32, _ readable: Bool, _ writable: Bool) throws(LoadError) {
        guard let client = clients[Int(socket)] else { return }
        if writable && !client.isConnected {
            guard client.send(request.bytes) else { return drop(client) }
            client.isConnected = true
            return try poller.change(socket, .read)
        }
        guard readable else { return }
        let count = recv(socket, scratch.baseAddress, scratch.count, 0)
        if count < 0 && (errno == EAGAIN || errno == EINTR) { return }
        guard count > 0 else { return drop(client) }
        let before = client.reader.events
        client.reader.read(UnsafeRawBufferPointer(rebasing: scratch[..<count]))
        events += client.reader.events - before
        if before == 0 && client.reader.events > 0 { flowing += 1 }
        if client.reader.isComplete { drop(client) }
    }

    private func drop(_ client: StreamClient) {
        // A stream that flowed and ended counts as failed too: it was meant to stay.
        if client.reader.events > 0 { flowing -= 1 }
        failed += 1
        clients[Int(client.socket)] = nil
        close(client.socket)
    }
}
