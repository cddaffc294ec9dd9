import Glibc

/// `sse`: a closed loop of connections that read streams to their end, one after the other.
final class StreamRun {
    private let request: StreamRequest
    private let connectionCount: Int
    private let streamCount: Int
    private let expectedEvents: Int
    private let poller: Poller
    private var clients: [StreamClient?] = []
    private var started = 0
    private var finished = 0
    private var events = 0
    private var errors = 0
    private var consecutiveFailures = 0
    private var firstEvent: [UInt64] = []
    private var total: [UInt64] = []
    private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)

    init(_ arguments: Arguments) throws(LoadError) {
        request = try StreamRequest(arguments)
        connectionCount = try arguments.number("connections", default: 32)
        streamCount = try arguments.number("streams", default: 1000)
        expectedEvents = try arguments.number("events", default: 0)
        poller = try Poller()
        firstEvent.reserveCapacity(streamCount)
        total.reserveCapacity(streamCount)
    }

    deinit { scratch.deallocate() }

    /// Runs all streams and returns the figures.
    func run() throws(LoadError) -> Report {
        let startedAt = monotonicNanoseconds()
        for _ in 0..<min(connectionCount, streamCount) { try open() }
        while finished + errors < streamCount {
            try poller.wait(milliseconds: 1000) { (socket, readable, writable) throws(LoadError) in
                guard let client = clients[Int(socket)] else { return }
                if writable && !client.isConnected { return try ask(client) }
                if readable { try receive(client) }
            }
            if consecutiveFailures > 1000 { break }
        }
        let seconds = Double(monotonicNanoseconds() - startedAt) / 1_000_000_000
        var report = Report()
        report.add("streams", finished)
        report.add("errors", errors + streamCount - finished - errors)
        report.add("events", events)
        report.add("seconds", seconds)
        report.add("events_per_second", Double(events) / seconds)
        report.add("streams_per_second", Double(finished) / seconds)
        report.add("first_event", percentilesOf: firstEvent)
        report.add("total", percentilesOf: total)
        return report
    }

    private func open() throws(LoadError) {
        started += 1
        let socket = try Sockets.connect(to: request.address)
        while clients.count <= Int(socket) { clients.append(nil) }
        clients[Int(socket)] = StreamClient(socket: socket)
        try poller.add(socket, .write)
    }

    private func ask(_ client: StreamClient) throws(LoadError) {
        guard client.send(request.bytes) else { return try fail(client) }
        client.isConnected = true
        try poller.change(client.socket, .read)
    }

    private func receive(_ client: StreamClient) throws(LoadError) {
        let count = recv(client.socket, scratch.baseAddress, scratch.count, 0)
        if count < 0 && (errno == EAGAIN || errno == EINTR) { return }
        guard count > 0 else { return try fail(client) }
        client.reader.read(UnsafeRawBufferPointer(rebasing: scratch[..<count]))
        if client.firstEventAt == 0 && client.reader.events > 0 { client.firstEventAt = monotonicNanoseconds() }
        guard client.reader.isComplete else { return }
        let isGood = client.reader.status == 200 && client.reader.sawDone && (expectedEvents == 0 || client.reader.events == expectedEvents)
        guard isGood else { return try fail(client) }
        consecutiveFailures = 0
        finished += 1
        events += client.reader.events
        firstEvent.append(client.firstEventAt - client.sentAt)
        total.append(monotonicNanoseconds() - client.sentAt)
        if client.reader.closes {
            close(client)
            if started < streamCount { try open() }
        } else if started < streamCount {
            started += 1
            if !client.send(request.bytes) { try fail(client) }
        } else {
            close(client)
        }
    }

    private func fail(_ client: StreamClient) throws(LoadError) {
        errors += 1
        consecutiveFailures += 1
        close(client)
        if started < streamCount { try open() }
    }

    private func close(_ client: StreamClient) {
        clients[Int(client.socket)] = nil
        Glibc.close(client.socket)
    }
}
