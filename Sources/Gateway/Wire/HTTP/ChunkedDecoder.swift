import NIOCore

/// Decodes the chunked coding (RFC 9112 section 7.1) of one message.
struct ChunkedDecoder: Sendable {
    /// What one call found.
    enum Step {
        /// Decoded bytes, never empty.
        case body(ByteBuffer)
        /// The last chunk and the trailer section have been read.
        case end(trailers: HTTPFields?)
    }

    private enum State {
        /// At a chunk-size line. Next: `data`, `trailers`.
        case size
        /// Inside a chunk, with so many bytes to come. Next: `dataEnd`.
        case data(Int)
        /// At the CRLF behind chunk data. Next: `size`.
        case dataEnd
        /// At the trailer section; the last state.
        case trailers
    }

    private var state = State.size
    private var extensionBytes = 0
    /// Bytes of the incomplete size line known to hold no line end.
    private var scanned = 0
    private var section = FieldSectionParser()

    /// Decodes what is there, and consumes it from `input`. All data of one call comes in one buffer: a slice when it is of one chunk, else a copy.
    mutating func next(_ input: inout ByteBuffer, limits: HTTPLimits) throws(HTTPParseError) -> Step? {
        var run = Run()
        if case .trailers = state {} else {
            try input.withUnsafeReadableBytes { (raw) throws(HTTPParseError) in
                guard let p = raw.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
                try walk(p, raw.count, &run, limits)
            }
            var body: ByteBuffer?
            if run.length > 0 { body = run.joined ?? input.getSlice(at: input.readerIndex + run.start, length: run.length) }
            input.moveReaderIndex(forwardBy: run.consumed)
            if let body { return .body(body) }
        }
        guard case .trailers = state else { return nil }
        return try readTrailers(&input, limits)
    }

    /// What one walk over the input has decoded.
    private struct Run {
        /// First data byte of the first chunk, as an offset.
        var start = 0
        /// Data bytes decoded.
        var length = 0
        /// The data, once it is of more than one chunk.
        var joined: ByteBuffer?
        /// Bytes of input used up.
        var consumed = 0

        mutating func add(_ p: UnsafePointer<UInt8>, _ offset: Int, _ count: Int, of total: Int) {
            if length == 0 {
                start = offset
            } else {
                if joined == nil { join(p, of: total) }
                joined?.writeBytes(UnsafeRawBufferPointer(start: p + offset, count: count))
            }
            length &+= count
        }

        /// Begins a buffer with the data so far, with room for all that can follow.
        mutating func join(_ p: UnsafePointer<UInt8>, of total: Int) {
            joined = ByteBufferAllocator().buffer(capacity: total &- start)
            joined?.writeBytes(UnsafeRawBufferPointer(start: p + start, count: length))
        }
    }

    private mutating func walk(_ p: UnsafePointer<UInt8>, _ count: Int, _ run: inout Run, _ limits: HTTPLimits) throws(HTTPParseError) {
        var i = 0
        while true {
            run.consumed = i
            switch state {
            case .size:
                i = Self.takeWhole(p, i, count, &run)
                run.consumed = i
                guard let next = try readSize(p, i, count, limits) else { return }
                i = next
            case .data(let left):
                let available = min(left, count &- i)
                guard available > 0 else { return }
                run.add(p, i, available, of: count)
                i &+= available
                state = available == left ? .dataEnd : .data(left &- available)
            case .dataEnd:
                guard i < count else { return }
                guard p[i] == 0x0D else { throw .chunkDataUnterminated }
                guard i &+ 1 < count else { return }
                guard p[i &+ 1] == 0x0A else { throw .chunkDataUnterminated }
                i &+= 2
                state = .size
            case .trailers:
                return
            }
        }
    }

    /// Takes chunks that are there whole and whose size line is nothing but digits, which is what nearly all are; the first other one is left to the state machine.
    ///
    /// - Returns: the offset behind them.
    private static func takeWhole(_ p: UnsafePointer<UInt8>, _ start: Int, _ count: Int, _ run: inout Run) -> Int {
        var i = start
        if run.length == 0 {
            guard let chunk = wholeChunk(p, i, count) else { return i }
            run.start = chunk.start
            run.length = chunk.end &- chunk.start
            i = chunk.end &+ 2
        }
        guard wholeChunk(p, i, count) != nil else { return i }
        if run.joined == nil { run.join(p, of: count) }
        run.joined!.writeWithUnsafeMutableBytes(minimumWritableBytes: count &- i) { space in
            var written = 0
            while let chunk = wholeChunk(p, i, count) {
                let length = chunk.end &- chunk.start
                (space.baseAddress! + written).copyMemory(from: p + chunk.start, byteCount: length)
                written &+= length
                i = chunk.end &+ 2
            }
            return written
        }
        run.length = run.joined!.readableBytes
        return i
    }

    /// Where the data of a chunk lies that is complete with its line end and not the last one.
    @inline(__always)
    private static func wholeChunk(_ p: UnsafePointer<UInt8>, _ start: Int, _ count: Int) -> (start: Int, end: Int)? {
        var size = 0, i = start
        while i < count, i &- start < 6, let digit = ByteScan.hexValue(p[i]) {
            size = size &<< 4 | Int(digit)
            i &+= 1
        }
        let end = i &+ 2 &+ size
        guard size > 0, end &+ 2 <= count, p[i] == 0x0D, p[i &+ 1] == 0x0A, p[end] == 0x0D, p[end &+ 1] == 0x0A else { return nil }
        return (i &+ 2, end)
    }

    /// Reads one size line; returns the offset behind it, or nil when it is not complete.
    private mutating func readSize(_ p: UnsafePointer<UInt8>, _ start: Int, _ count: Int, _ limits: HTTPLimits) throws(HTTPParseError) -> Int? {
        var size = 0, i = start
        while i < count, let digit = ByteScan.hexValue(p[i]) {
            guard i &- start < 16 else { throw .chunkSizeInvalid }
            if size > 1 << 49 { throw .chunkSizeTooLarge }
            size = size &<< 4 | Int(digit)
            i &+= 1
        }
        if size > 1 << 53 { throw .chunkSizeTooLarge }
        guard i < count else { return nil }
        guard i > start else { throw .chunkSizeInvalid }
        if p[i] == 0x3B {
            guard let lineFeed = ByteScan.index(of: 0x0A, in: p, from: max(i, start &+ scanned), to: count) else {
                scanned = count &- start
                if count &- i &+ extensionBytes > limits.chunkExtensionBytes &+ 1 { throw .chunkExtensionsTooLarge }
                return nil
            }
            guard p[lineFeed &- 1] == 0x0D else { throw .bareLineFeed }
            extensionBytes &+= lineFeed &- 1 &- i
            if extensionBytes > limits.chunkExtensionBytes { throw .chunkExtensionsTooLarge }
            guard Self.isExtensions(p, i, lineFeed &- 1) else { throw .chunkExtensionInvalid }
            i = lineFeed &- 1
        }
        guard p[i] == 0x0D else { throw p[i] == 0x0A ? .bareLineFeed : .chunkSizeInvalid }
        guard i &+ 1 < count else { return nil }
        guard p[i &+ 1] == 0x0A else { throw .bareCarriageReturn }
        scanned = 0
        if size == 0 {
            state = .trailers
            section.begin(at: 0)
        } else {
            state = .data(size)
        }
        return i &+ 2
    }

    /// `*( ";" token [ "=" ( token / quoted-string ) ] )`, without the blanks that RFC 9112 section 7.1.1 calls bad.
    private static func isExtensions(_ p: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Bool {
        var i = start
        func token() -> Bool {
            let first = i
            while i < end, HTTPGrammar.isTokenByte(p[i]) { i += 1 }
            return i > first
        }
        while i < end {
            guard p[i] == 0x3B else { return false }
            i += 1
            guard token() else { return false }
            guard i < end, p[i] == 0x3D else { continue }
            i += 1
            if i < end, p[i] == 0x22 {
                guard quotedString(p, &i, end) else { return false }
            } else {
                guard token() else { return false }
            }
        }
        return true
    }

    private static func quotedString(_ p: UnsafePointer<UInt8>, _ i: inout Int, _ end: Int) -> Bool {
        i += 1
        while i < end {
            let c = p[i]
            if c == 0x22 {
                i += 1
                return true
            }
            if c == 0x5C { i += 1 }
            guard i < end, p[i] == 0x09 || (p[i] >= 0x20 && p[i] != 0x7F) else { return false }
            i += 1
        }
        return false
    }

    private mutating func readTrailers(_ input: inout ByteBuffer, _ limits: HTTPLimits) throws(HTTPParseError) -> Step? {
        let end = try input.withUnsafeReadableBytes { (raw) throws(HTTPParseError) in
            try section.parse(raw, limits: limits, maximumBytes: limits.trailerBytes, tooLarge: .trailersTooLarge)
        }
        guard let end, let bytes = input.readSlice(length: end) else { return nil }
        guard !section.entries.isEmpty else { return .end(trailers: nil) }
        let trailers = section.take(bytes)
        guard trailers.present.isDisjoint(with: TrailerRules.forbidden) else { throw .trailerForbidden }
        return .end(trailers: trailers)
    }
}
