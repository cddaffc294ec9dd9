import GatewayWire
import NIOCore

/// What leaves for the client: frames are put together in one buffer, content as far as both windows allow (RFC 9113 section 5.2).
extension HTTP2ServerConnection {
    /// Bytes collected before a stream has to wait for them to leave.
    private static let outputLimit = 65_536
    /// Bytes that may wait for a socket that takes no more before nothing is read from it: what the windows of some streams let through at once.
    static let stalledLimit = 1 << 20

    var isWritable: Bool {
        self.output.readableBytes < HTTP2ServerConnection.outputLimit && self.context?.channel.isWritable == true
    }

    /// The buffer that frames are written into.
    @inline(__always)
    func withOutput(_ body: (inout ByteBuffer) -> Void) {
        if self.output.capacity == 0 { self.output = self.loop.buffers.take() }
        body(&self.output)
    }

    /// Lets what is collected leave at the end of this turn of the loop, with what else comes until then.
    func flush() {
        guard !self.isReading, !self.isFlushPending, self.output.readableBytes > 0 else { return }
        self.isFlushPending = true
        self.loop.flushLater(self)
    }

    func flushNow(_ promise: EventLoopPromise<Void>? = nil) {
        self.isFlushPending = false
        guard let context = self.context else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        guard self.output.readableBytes > 0 || promise != nil else { return }
        let wasFull = self.output.readableBytes >= HTTP2ServerConnection.outputLimit
        context.writeAndFlush(Self.wrapOutboundOut(self.output), promise: promise)
        if !context.channel.isWritable { self.stalledBytes &+= self.output.readableBytes }
        self.loop.buffers.giveBack(self.output)
        self.output = ByteBuffer()
        // Who waits for the socket is told by the channel; who waits for this buffer, here.
        if wasFull { self.wakeWriters() }
    }

    func wakeWriters() {
        for stream in self.streams.values { stream.wakeWriter() }
    }

    /// Writes a field section (RFC 9113 section 6.2). Returns what `body` returns: its size.
    func writeSection(_ stream: UInt32, isEnd: Bool, _ body: (inout ByteBuffer) -> Int) -> Int {
        var size = 0
        self.withOutput { output in
            let start = output.writerIndex
            output.writeRepeatingByte(0, count: HTTP2FrameHeader.byteCount)
            if self.owesTableUpdate {
                self.owesTableUpdate = false
                // Size 0: nothing is kept in it.
                output.writeInteger(UInt8(0x20))
            }
            size = body(&output)
            let length = output.writerIndex - start - HTTP2FrameHeader.byteCount
            let flags: HTTP2Flags = isEnd ? [.endHeaders, .endStream] : .endHeaders
            if length <= HTTP2.frameBytes {
                HTTP2FrameHeader(length: length, kind: .headers, flags: flags, stream: stream).set(in: &output, at: start)
            } else {
                HTTP2ServerConnection.split(&output, start, stream, isEnd: isEnd)
            }
        }
        return size
    }

    /// Cuts a section that is too long for one frame (RFC 9113 section 6.10).
    private static func split(_ output: inout ByteBuffer, _ start: Int, _ stream: UInt32, isEnd: Bool) {
        let begin = start + HTTP2FrameHeader.byteCount
        guard var section = output.getSlice(at: begin, length: output.writerIndex - begin) else { return }
        output.moveWriterIndex(to: start)
        var kind = HTTP2FrameKind.headers
        while let piece = section.readSlice(length: min(section.readableBytes, HTTP2.frameBytes)) {
            var flags: HTTP2Flags = kind == .headers && isEnd ? .endStream : []
            if section.readableBytes == 0 { flags.insert(.endHeaders) }
            HTTP2FrameHeader(length: piece.readableBytes, kind: kind, flags: flags, stream: stream).write(into: &output)
            output.writeImmutableBuffer(piece)
            kind = .continuation
            if section.readableBytes == 0 { return }
        }
    }

    /// Writes one DATA frame of what a stream has, as far as the windows allow. Returns whether anything was written.
    private func writeData(_ stream: HTTP2ServerStream) -> Bool {
        guard stream.hasPending else { return false }
        // An end without content needs no window.
        let count = stream.pendingBytes == 0 ? 0 : min(stream.pendingBytes, HTTP2.frameBytes, self.sendWindow, stream.sendWindow)
        guard count > 0 || stream.pendingBytes == 0 else { return false }
        self.sendWindow -= count
        self.withOutput { stream.writeData(count, into: &$0) }
        stream.settleOutput()
        return true
    }

    /// Writes what a stream has, as far as the windows allow; what the connection's window holds up waits for its turn.
    func send(_ stream: HTTP2ServerStream) {
        // Those that wait already come first, but for an end without content.
        if self.blocked.isEmpty || stream.pendingBytes == 0 { while self.writeData(stream) {} }
        self.block(stream)
    }

    private func block(_ stream: HTTP2ServerStream) {
        guard stream.hasPending, stream.sendWindow > 0, !stream.isBlocked else { return }
        stream.isBlocked = true
        self.blocked.append(stream.id)
    }

    /// The connection's window has become wider: a frame of each in turn.
    func sendBlocked() {
        while self.sendWindow > 0, let id = self.blocked.popFirst() {
            guard let stream = self.streams[id] else { continue }
            stream.isBlocked = false
            _ = self.writeData(stream)
            self.block(stream)
        }
        self.flush()
    }
}
