import GatewayCore
import GatewayWire
import NIOCore
import Telemetry

/// What a client sends, frame by frame (RFC 9113 sections 4 to 6).
extension HTTP2ServerConnection {
    func receive(_ bytes: ByteBuffer) {
        if self.input.readableBytes == 0 {
            self.input = bytes
        } else {
            // Into storage of its own: what was read before lies in the bodies of requests too.
            var joined = ByteBufferAllocator().buffer(capacity: self.input.readableBytes + bytes.readableBytes)
            joined.writeImmutableBuffer(self.input)
            joined.writeImmutableBuffer(bytes)
            self.input = joined
        }
        do throws(HTTP2Breach) {
            while try self.receiveNext() {}
        } catch {
            self.fail(error)
        }
        // The storage is the connection's only while something is in it.
        if self.input.readableBytes == 0 || self.stage == .over { self.input = ByteBuffer() }
    }

    /// Acts on one frame; false: it is not there yet.
    private func receiveNext() throws(HTTP2Breach) -> Bool {
        if self.stage == .over { return false }
        if self.stage == .preface { return try self.receivePreface() }
        guard let header = HTTP2FrameHeader(peekingAt: self.input) else { return false }
        guard header.length <= HTTP2.frameBytes else { throw HTTP2Breach(.frameSizeError) }
        guard self.input.readableBytes >= HTTP2FrameHeader.byteCount + header.length else { return false }
        self.input.moveReaderIndex(forwardBy: HTTP2FrameHeader.byteCount)
        guard let payload = self.input.readSlice(length: header.length) else { return false }
        let kind = HTTP2FrameKind(rawValue: header.kind)
        if self.stage == .settings {
            guard kind == .settings, !header.flags.contains(.ack) else { throw HTTP2Breach(.protocolError) }
            self.stage = .open
        }
        // Nothing comes between the frames of a field section (RFC 9113 section 6.10).
        guard (self.section != nil) == (kind == .continuation) else { throw HTTP2Breach(.protocolError) }
        switch kind {
        case .data: try self.receiveData(header, payload)
        case .headers: try self.receiveHeaders(header, payload)
        case .continuation: try self.receiveContinuation(header, payload)
        case .priority: try self.receivePriority(header)
        case .rstStream: try self.receiveReset(header)
        case .settings: try self.receiveSettings(header, payload)
        case .ping: try self.receivePing(header, payload)
        case .goAway:
            guard header.stream == 0 else { throw HTTP2Breach(.protocolError) }
            guard header.length >= 8 else { throw HTTP2Breach(.frameSizeError) }
        case .windowUpdate: try self.receiveWindowUpdate(header, payload)
        case .pushPromise: throw HTTP2Breach(.protocolError)
        // What is not known is passed over (RFC 9113 section 5.5).
        case nil: break
        }
        return true
    }

    private func receivePreface() throws(HTTP2Breach) -> Bool {
        guard HTTP2.isPreface(self.input) else { throw HTTP2Breach(.protocolError, "http2_preface_invalid") }
        guard self.input.readableBytes >= HTTP2.preface.utf8CodeUnitCount else { return false }
        self.input.moveReaderIndex(forwardBy: HTTP2.preface.utf8CodeUnitCount)
        self.stage = .settings
        return true
    }

    private var now: UInt64 { self.loop.timer.tickTime }

    // MARK: Requests

    /// Takes the padding off (RFC 9113 section 6.1).
    private func unpadded(_ header: HTTP2FrameHeader, _ payload: ByteBuffer) throws(HTTP2Breach) -> ByteBuffer {
        guard header.flags.contains(.padded) else { return payload }
        var payload = payload
        guard let padding = payload.readInteger(as: UInt8.self), let content = payload.readSlice(length: payload.readableBytes - Int(padding)) else {
            throw HTTP2Breach(.protocolError)
        }
        return content
    }

    private func receiveHeaders(_ header: HTTP2FrameHeader, _ payload: ByteBuffer) throws(HTTP2Breach) {
        guard header.stream & 1 == 1 else { throw HTTP2Breach(.protocolError) }
        var content = try self.unpadded(header, payload)
        if header.flags.contains(.priority) {
            // Deprecated, and not acted on (RFC 9113 section 5.3.2).
            guard content.readableBytes >= 5 else { throw HTTP2Breach(.frameSizeError) }
            content.moveReaderIndex(forwardBy: 5)
        }
        let section = Section(stream: header.stream, isEnd: header.flags.contains(.endStream), frames: 1, bytes: content)
        if header.flags.contains(.endHeaders) { try self.receive(section) } else { self.section = section }
    }

    private func receiveContinuation(_ header: HTTP2FrameHeader, _ payload: ByteBuffer) throws(HTTP2Breach) {
        guard var section = self.section, section.stream == header.stream else { throw HTTP2Breach(.protocolError) }
        self.section = nil
        section.frames += 1
        // A section of the allowed size in frames of the smallest allowed size, and some to spare (CVE-2024-27983).
        guard section.frames <= self.options.http.fieldsBytes / HTTP2.frameBytes + 4 else { throw HTTP2Breach(.enhanceYourCalm, "http2_continuation_flood") }
        section.bytes.writeImmutableBuffer(payload)
        if header.flags.contains(.endHeaders) { try self.receive(section) } else { self.section = section }
    }

    /// A whole field section: it is decoded whatever becomes of it, since the table has to follow.
    private func receive(_ section: Section) throws(HTTP2Breach) {
        let stream = self.streams[section.stream]
        var fields = HTTP2RequestFields(limits: self.options.http, isTrailers: stream != nil)
        let isDecoded = section.bytes.withUnsafeReadableBytes { bytes in
            do throws(HPACKError) { try self.decoder.decode(bytes, into: &fields) } catch { return false }
            return true
        }
        guard isDecoded else { throw HTTP2Breach(.compressionError) }
        if let stream {
            if stream.isInputEnded { return try self.breach(stream, .streamClosed) }
            guard section.isEnd, !fields.isMalformed else { return try self.breach(stream, .protocolError) }
            // As often as a client may reset streams itself may it make the gateway do it (CVE-2025-8671).
            guard stream.receiveTrailers(fields) else { return try self.countBreach() }
            if stream.isShort { try self.breach(stream, .protocolError) }
        } else if section.stream > self.lastStream {
            self.lastStream = section.stream
            guard !self.isGone else { return self.refuse(section.stream, .refusedStream) }
            guard self.streams.count < self.options.http2.concurrentStreams else { return try self.breach(section.stream, .refusedStream) }
            try self.begin(section, &fields)
        } else if !self.endedEarly.contains(section.stream) {
            throw HTTP2Breach(.streamClosed)
        }
    }

    private func begin(_ section: Section, _ fields: inout HTTP2RequestFields) throws(HTTP2Breach) {
        let startedAt = MonotonicClock.now()
        let head: HTTPRequestHead
        do throws(HTTPParseError) {
            head = try fields.head(isEnd: section.isEnd) { Base64Text.encode((0..<16).map { _ in UInt8.random(in: .min ... .max) }) }
        } catch {
            return try self.refuse(section, fields, error, startedAt: startedAt)
        }
        if section.isEnd, case .length(let length) = head.framing, length > 0 { return try self.breach(section.stream, .protocolError) }
        HTTP2ServerStream(id: section.stream, connection: self, isInputEnded: section.isEnd).begin(head, startedAt: startedAt, size: fields.size)
    }

    /// A request that is none: reset for HTTP/2's own reasons, answered for those that HTTP/1.1 has too.
    private func refuse(_ section: Section, _ fields: HTTP2RequestFields, _ error: HTTPParseError, startedAt: UInt64) throws(HTTP2Breach) {
        if fields.isMalformed { return try self.breach(section.stream, .protocolError) }
        // Whoever sends fields beyond all limits again and again makes the gateway decode them.
        if error == .fieldsTooLarge || error == .tooManyFields { try self.countBreach() }
        HTTP2ServerStream(id: section.stream, connection: self, isInputEnded: section.isEnd).refuse(.malformed(error), startedAt: startedAt, size: fields.size)
    }

    private func receiveData(_ header: HTTP2FrameHeader, _ payload: ByteBuffer) throws(HTTP2Breach) {
        guard header.stream != 0 else { throw HTTP2Breach(.protocolError) }
        guard header.length <= self.receiveWindow - self.receivedSinceUpdate else { throw HTTP2Breach(.flowControlError) }
        self.receivedSinceUpdate += header.length
        if self.receivedSinceUpdate >= self.receiveWindow / 2 {
            self.withOutput { $0.writeHTTP2WindowUpdate(0, self.receivedSinceUpdate) }
            self.receivedSinceUpdate = 0
            self.flush()
        }
        let content = try self.unpadded(header, payload)
        guard let stream = self.streams[header.stream] else {
            guard header.stream <= self.lastStream else { throw HTTP2Breach(.protocolError) }
            guard self.endedEarly.contains(header.stream) else { throw HTTP2Breach(.streamClosed) }
            return
        }
        let isEnd = header.flags.contains(.endStream)
        if content.readableBytes == 0, !isEnd {
            self.emptyDataFrames += 1
            guard self.emptyDataFrames <= self.options.http2.emptyDataFrames else { throw HTTP2Breach(.enhanceYourCalm, "http2_empty_data_flood") }
        } else {
            self.emptyDataFrames = 0
        }
        if stream.isInputEnded { return try self.breach(stream, .streamClosed) }
        guard stream.receive(content, length: header.length, isEnd: isEnd) else { return try self.breach(stream, .flowControlError) }
        if stream.isLong || isEnd && stream.isShort { try self.breach(stream, .protocolError) }
    }

    // MARK: Streams' control

    private func receivePriority(_ header: HTTP2FrameHeader) throws(HTTP2Breach) {
        guard header.stream != 0 else { throw HTTP2Breach(.protocolError) }
        try self.countControl()
        guard header.length == 5 else { return try self.breach(header.stream, .frameSizeError) }
    }

    private func receiveReset(_ header: HTTP2FrameHeader) throws(HTTP2Breach) {
        guard header.stream != 0, header.stream <= self.lastStream else { throw HTTP2Breach(.protocolError) }
        guard header.length == 4 else { throw HTTP2Breach(.frameSizeError) }
        guard self.resets.allows(self.options.http2.resets, per: self.options.http2.rateSeconds, now: self.now) else {
            throw HTTP2Breach(.enhanceYourCalm, "http2_rapid_reset")
        }
        guard let stream = self.streams[header.stream] else { return }
        stream.end(because: .closed)
        self.closed(stream, isEarly: false)
    }

    private func receiveWindowUpdate(_ header: HTTP2FrameHeader, _ payload: ByteBuffer) throws(HTTP2Breach) {
        guard header.length == 4, let number = payload.getInteger(at: payload.readerIndex, as: UInt32.self) else { throw HTTP2Breach(.frameSizeError) }
        let increment = Int(number & 0x7FFF_FFFF)
        if header.stream == 0 {
            guard increment > 0 else { throw HTTP2Breach(.protocolError) }
            guard self.sendWindow + increment <= HTTP2.largestWindow else { throw HTTP2Breach(.flowControlError) }
            self.sendWindow += increment
            self.sendBlocked()
        } else if let stream = self.streams[header.stream] {
            guard increment > 0 else { return try self.breach(stream, .protocolError) }
            guard stream.widen(by: increment) else { return try self.breach(stream, .flowControlError) }
        } else if header.stream > self.lastStream {
            throw HTTP2Breach(.protocolError)
        }
    }

    // MARK: The connection's control

    private func receiveSettings(_ header: HTTP2FrameHeader, _ payload: ByteBuffer) throws(HTTP2Breach) {
        guard header.stream == 0 else { throw HTTP2Breach(.protocolError) }
        if header.flags.contains(.ack) {
            guard header.length == 0 else { throw HTTP2Breach(.frameSizeError) }
            return
        }
        try self.countControl()
        guard header.length % 6 == 0 else { throw HTTP2Breach(.frameSizeError) }
        var payload = payload
        while let (name, value) = payload.readMultipleIntegers(as: (UInt16, UInt32).self) { try self.apply(HTTP2Setting(rawValue: name), Int(value)) }
        self.withOutput { $0.writeHTTP2SettingsAck() }
        self.flush()
    }

    private func apply(_ setting: HTTP2Setting?, _ value: Int) throws(HTTP2Breach) {
        switch setting {
        case .headerTableSize: self.owesTableUpdate = true
        case .enablePush: guard value <= 1 else { throw HTTP2Breach(.protocolError) }
        case .initialWindowSize:
            guard value <= HTTP2.largestWindow else { throw HTTP2Breach(.flowControlError) }
            let change = value - self.initialSendWindow
            self.initialSendWindow = value
            for stream in self.streams.values {
                guard stream.widen(by: change) else { throw HTTP2Breach(.flowControlError) }
            }
        case .maxFrameSize: guard value >= HTTP2.frameBytes, value < 1 << 24 else { throw HTTP2Breach(.protocolError) }
        // The gateway begins no streams, keeps no table and sends few fields.
        case .maxConcurrentStreams, .maxHeaderListSize, .enableConnectProtocol, nil: break
        }
    }

    private func receivePing(_ header: HTTP2FrameHeader, _ payload: ByteBuffer) throws(HTTP2Breach) {
        guard header.stream == 0 else { throw HTTP2Breach(.protocolError) }
        guard header.length == 8, let data = payload.getInteger(at: payload.readerIndex, as: UInt64.self) else { throw HTTP2Breach(.frameSizeError) }
        if header.flags.contains(.ack) { return self.pingAnswered() }
        try self.countControl()
        self.withOutput { $0.writeHTTP2Ping(data, isAck: true) }
        self.flush()
    }

    // MARK: Breaches

    private func countControl() throws(HTTP2Breach) {
        guard self.controlFrames.allows(self.options.http2.controlFrames, per: self.options.http2.rateSeconds, now: self.now) else {
            throw HTTP2Breach(.enhanceYourCalm, "http2_control_flood")
        }
    }

    private func countBreach() throws(HTTP2Breach) {
        guard self.streamErrors.allows(self.options.http2.streamErrors, per: self.options.http2.rateSeconds, now: self.now) else {
            throw HTTP2Breach(.enhanceYourCalm, "http2_stream_errors")
        }
    }

    /// A stream error (RFC 9113 section 5.4.2): the stream is reset, and the connection goes on unless there are too many.
    private func breach(_ stream: UInt32, _ code: HTTP2ErrorCode) throws(HTTP2Breach) {
        self.loop.context.telemetry.metrics.add(self.loop.protocolErrorSeries("http2_stream_error"))
        self.refuse(stream, code)
        try self.countBreach()
    }

    private func breach(_ stream: HTTP2ServerStream, _ code: HTTP2ErrorCode) throws(HTTP2Breach) {
        stream.end(because: .closed)
        self.closed(stream, isEarly: true)
        try self.breach(stream.id, code)
    }

    /// Resets a stream that was not begun.
    private func refuse(_ stream: UInt32, _ code: HTTP2ErrorCode) {
        if self.streams[stream] == nil, !self.endedEarly.contains(stream) { self.noteEarlyEnd(stream) }
        self.withOutput { $0.writeHTTP2Reset(stream, code) }
        self.flush()
    }
}
