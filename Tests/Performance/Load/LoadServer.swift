import Glibc

/// The simulated provider and the OTLP sink: one thread, one epoll loop, answers built beforehand.
final class LoadServer {
    struct Options {
        var port: UInt16
        /// Content events of a stream.
        var events: Int
        /// Events per second of one stream; 0 sends the stream in one piece.
        var rate: Double
        /// Whether every request gets an empty 200.
        var isSink: Bool
        /// Whose format the provider speaks.
        var format: Answers.Format
    }

    private let options: Options
    private let answers: Answers
    private let burst: [UInt8]
    private let poller: Poller
    private let listener: Int32
    private var connections: [ServerConnection?] = []
    private var wheel: PaceWheel
    private var generation: UInt64 = 0
    private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
    private var requests = 0
    private var streams = 0
    private var bytesReceived = 0
    private var openConnections = 0

    init(_ options: Options) throws(LoadError) {
        self.options = options
        answers = Answers(promptTokens: 500, completionTokens: options.events, format: options.format)
        burst = answers.burst(events: options.events)
        poller = try Poller()
        listener = try Sockets.listen(address: "127.0.0.1", port: options.port)
        wheel = PaceWheel(nowMilliseconds: monotonicNanoseconds() / 1_000_000)
        try poller.add(listener, .read)
    }

    deinit {
        scratch.deallocate()
        close(listener)
    }

    /// Serves until the process is ended.
    func run() throws(LoadError) -> Never {
        while true {
            try poller.wait(milliseconds: wheel.count > 0 ? 1 : -1) { (socket, readable, writable) throws(LoadError) in
                if socket == listener {
                    try acceptAll()
                    return
                }
                guard let connection = connection(socket) else { return }
                if writable, !connection.flush() { return drop(connection) }
                if readable, !receive(connection) { return drop(connection) }
                try rearm(connection)
            }
            try sendDue()
        }
    }

    private func connection(_ socket: Int32) -> ServerConnection? {
        Int(socket) < connections.count ? connections[Int(socket)] : nil
    }

    private func acceptAll() throws(LoadError) {
        while let socket = Sockets.accept(listener) {
            while connections.count <= Int(socket) { connections.append(nil) }
            generation += 1
            connections[Int(socket)] = ServerConnection(socket: socket, generation: generation)
            openConnections += 1
            try poller.add(socket, .read)
        }
    }

    private func drop(_ connection: ServerConnection) {
        connections[Int(connection.socket)] = nil
        openConnections -= 1
        close(connection.socket)
    }

    private func rearm(_ connection: ServerConnection) throws(LoadError) {
        guard connection.hasUnsent != connection.isWaitingToWrite else { return }
        connection.isWaitingToWrite = connection.hasUnsent
        try poller.change(connection.socket, connection.hasUnsent ? [.read, .write] : .read)
    }

    /// Reads once and answers every complete request; false when the peer is gone.
    private func receive(_ connection: ServerConnection) -> Bool {
        let count = recv(connection.socket, scratch.baseAddress, scratch.count, 0)
        if count < 0 { return errno == EAGAIN || errno == EINTR }
        guard count > 0 else { return false }
        bytesReceived += count
        let fresh = UnsafeRawBufferPointer(rebasing: scratch[..<count])
        if connection.pending.isEmpty {
            guard let used = answerAll(fresh, connection) else { return false }
            if used < count { connection.pending.append(contentsOf: fresh[used...]) }
        } else {
            connection.pending.append(contentsOf: fresh)
            guard let used = connection.pending.withUnsafeBytes({ answerAll($0, connection) }) else { return false }
            connection.pending.removeFirst(used)
        }
        return true
    }

    /// Bytes used up by complete requests; nil when the connection is to be closed.
    private func answerAll(_ bytes: UnsafeRawBufferPointer, _ connection: ServerConnection) -> Int? {
        var used = 0
        while used < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[used...])
            guard let head = HeadScanner(rest) else { break }
            let body = UnsafeRawBufferPointer(rebasing: rest[head.length...])
            var length = head.contentLength ?? 0
            if head.isChunked {
                var reader = ChunkReader()
                length = reader.read(body) { _ in }
                if !reader.isDone { length = body.count + 1 }
            }
            if length > body.count {
                if head.expectsContinue && body.isEmpty, !connection.send(answers.interim) { return nil }
                break
            }
            let isSent = answer(UnsafeRawBufferPointer(rebasing: rest[..<head.length]), UnsafeRawBufferPointer(rebasing: body[..<length]), connection)
            if !isSent || head.closes && !connection.hasUnsent && connection.paced == nil { return nil }
            used += head.length + length
        }
        return used
    }

    private func answer(_ head: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer, _ connection: ServerConnection) -> Bool {
        let target = RequestTarget(head)
        if target.isStats { return connection.send(statistics()) }
        requests += 1
        if options.isSink { return connection.send(answers.empty) }
        guard target.isStream || asksForStream(body) else { return connection.send(answers.json) }
        streams += 1
        let events = target.events ?? options.events
        let rate = target.rate ?? options.rate
        if rate == 0 { return connection.send(events == options.events ? burst : answers.burst(events: events)) }
        let interval = UInt64(1_000_000_000 / rate)
        // The first event goes at once, so that a client can tell that its stream is open.
        connection.paced = ServerConnection.PacedStream(eventsLeft: events - 1, intervalNanoseconds: interval, dueNanoseconds: monotonicNanoseconds() + interval)
        schedule(connection)
        return connection.send(answers.streamHead + answers.event)
    }

    private func schedule(_ connection: ServerConnection) {
        guard let paced = connection.paced else { return }
        wheel.add(PaceWheel.Entry(socket: connection.socket, generation: connection.generation, dueMilliseconds: paced.dueNanoseconds / 1_000_000))
    }

    private func sendDue() throws(LoadError) {
        for entry in wheel.due(nowMilliseconds: monotonicNanoseconds() / 1_000_000) {
            guard let connection = connection(entry.socket), connection.generation == entry.generation, var paced = connection.paced else { continue }
            let isLast = paced.eventsLeft <= 0
            paced.eventsLeft -= 1
            paced.dueNanoseconds += paced.intervalNanoseconds
            connection.paced = isLast ? nil : paced
            guard connection.send(isLast ? answers.streamEnd : answers.event) else {
                drop(connection)
                continue
            }
            schedule(connection)
            try rearm(connection)
        }
    }

    private func statistics() -> [UInt8] {
        let body = #"{"requests":\#(requests),"streams":\#(streams),"bytes_received":\#(bytesReceived),"open_connections":\#(openConnections)}"#
        return Array("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
    }

    /// Whether the JSON says `"stream": true`; the key in a nested place would fool it, which no load body has.
    private func asksForStream(_ body: UnsafeRawBufferPointer) -> Bool {
        let key: StaticString = "\"stream\""
        let count = key.utf8CodeUnitCount
        guard let start = body.baseAddress else { return false }
        var index = 0
        while index + count < body.count {
            guard body[index] == 0x22, body[index + 1] == 0x73, memcmp(start + index, key.utf8Start, count) == 0 else {
                index += 1
                continue
            }
            index += count
            while index < body.count, body[index] == 0x20 || body[index] == 0x3A { index += 1 }
            return index < body.count && body[index] == UInt8(ascii: "t")
        }
        return false
    }
}
