#if canImport(Glibc)
    import Glibc
#endif
internal import Telemetry

/// The end of an existing audit file: where the chain stands and whether the last line broke off.
struct AuditTail {
    /// Chain position of the last complete line, nil where the file has none.
    var last: (seq: UInt64, digest: AuditChain.Digest)?
    /// Whether that line's hash is the hash of its bytes.
    var isVerified = false
    /// Bytes behind the last newline.
    var tornBytes = 0

    /// Most bytes that are searched for a complete line.
    static let window = 16 << 20

    /// Reads the end of the file at `path`; a file that does not exist or is not regular has an empty tail.
    static func read(_ path: String, key: AuditKey?) -> AuditTail {
        var tail = AuditTail()
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return tail }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else { return tail }
        let size = Int(status.st_size)
        var span = min(size, 1 << 18)
        while true {
            let bytes = AuditTail.bytes(descriptor, from: size - span, count: span)
            if tail.search(bytes, isWholeFile: span == size, key: key) || span == size || span >= AuditTail.window { return tail }
            span = min(size, span * 8, AuditTail.window)
        }
    }

    /// The end of the chain at a path: of its file or, where that is missing or has no line (a crash in the middle of a rotation), of the
    /// newest closed file.
    static func readNewest(_ path: String, key: AuditKey?) -> AuditTail {
        let tail = read(path, key: key)
        guard tail.last == nil, let newest = AuditSegments.of(path).last else { return tail }
        var found = AuditTail()
        if newest.isCompressed { found.readFrame(newest.path, key: key) } else { found = read(newest.path, key: key) }
        // What broke off is the current file's affair.
        found.tornBytes = tail.tornBytes
        return found
    }

    private mutating func readFrame(_ path: String, key: AuditKey?) {
        var last: [UInt8]?
        do throws(AuditReadFailure) {
            var reader = try AuditFileReader(path)
            while let line = try reader.next() { last = line }
        } catch { return }
        guard let last, let position = AuditTail.chainPosition(last[...]) else { return }
        self.last = position
        self.isVerified = last.dropLast(AuditChain.tailLength).withUnsafeBytes { AuditChain.hash($0, key) == position.1 }
    }

    /// Sequence number and begin (`started_at`, nanoseconds since the epoch) of the first line of a file; nil where it has none.
    static func firstLine(_ path: String) -> (seq: UInt64, began: UInt64)? {
        do throws(AuditReadFailure) {
            var reader = try AuditFileReader(path)
            guard let line = try reader.next(), let (seq, _) = chainPosition(line[...]) else { return nil }
            return (seq, number(in: line, after: "\"started_at\":").map { $0 &* 1_000_000 } ?? 0)
        } catch { return nil }
    }

    private static func bytes(_ descriptor: Int32, from offset: Int, count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = 0
            while filled < count, let base = buffer.baseAddress {
                let read = pread(descriptor, base + filled, count - filled, offset + filled)
                if read < 0 && errno == EINTR { continue }
                if read <= 0 { break }
                filled += read
            }
        }
    }

    /// Looks for the last complete chained line; true when found.
    private mutating func search(_ bytes: [UInt8], isWholeFile: Bool, key: AuditKey?) -> Bool {
        var end = bytes.count
        while end > 0, bytes[end - 1] != 0x0a { end -= 1 }
        self.tornBytes = bytes.count - end
        while end > 0 {
            // `end` is behind a newline.
            var start = end - 1
            while start > 0, bytes[start - 1] != 0x0a { start -= 1 }
            if start == 0, !isWholeFile { return false }
            if let (seq, digest) = AuditTail.chainPosition(bytes[start..<(end - 1)]) {
                self.last = (seq, digest)
                self.isVerified = bytes[start..<(end - 1 - AuditChain.tailLength)].withUnsafeBytes { AuditChain.hash($0, key) == digest }
                return true
            }
            end = start
        }
        return false
    }

    /// Sequence number and hash of a line, by the fixed shape of its end.
    static func chainPosition(_ line: ArraySlice<UInt8>) -> (UInt64, AuditChain.Digest)? {
        let hashPart = Array(",\"hash\":\"".utf8)
        let previousPart = Array(",\"prev_hash\":\"".utf8)
        let seqPart = Array(",\"seq\":".utf8)
        guard line.count > AuditChain.tailLength, line.suffix(2).elementsEqual("\"}".utf8) else { return nil }
        var rest = line.dropLast(2)
        guard let digest = AuditTail.digest(rest.suffix(64)) else { return nil }
        rest = rest.dropLast(64)
        guard rest.suffix(hashPart.count).elementsEqual(hashPart) else { return nil }
        rest = rest.dropLast(hashPart.count)
        guard rest.last == 0x22 else { return nil }
        rest = rest.dropLast()
        guard AuditTail.digest(rest.suffix(64)) != nil else { return nil }
        rest = rest.dropLast(64)
        guard rest.suffix(previousPart.count).elementsEqual(previousPart) else { return nil }
        rest = rest.dropLast(previousPart.count)
        let digits = rest.reversed().prefix { (0x30...0x39).contains($0) }.count
        guard digits > 0, let seq = UInt64(String(decoding: rest.suffix(digits), as: UTF8.self)) else { return nil }
        guard rest.dropLast(digits).suffix(seqPart.count).elementsEqual(seqPart) else { return nil }
        return (seq, digest)
    }

    /// The `prev_hash` of a line that has a chain position.
    static func previousHash(_ line: [UInt8]) -> String? {
        let end = line.count - AuditChain.tailLength - 1
        guard end >= 64 else { return nil }
        return String(decoding: line[(end - 64)..<end], as: UTF8.self)
    }

    /// The lines that were lost before this one, as it says itself: `,"gap":N,"seq":`.
    static func declaredGap(_ line: [UInt8]) -> UInt64 {
        // The member stands just before `seq`, so only the end is looked at: content must not be able to pose as it.
        let tail = Array(line.suffix(AuditChain.tailLength + 160))
        return number(in: tail, after: "\"gap\":") ?? 0
    }

    static func contains(_ line: [UInt8], _ text: StaticString) -> Bool { offset(of: text, in: line) != nil }

    private static func number(in line: [UInt8], after text: StaticString) -> UInt64? {
        guard let offset = offset(of: text, in: line) else { return nil }
        let digits = line[offset...].prefix { (0x30...0x39).contains($0) }
        return UInt64(String(decoding: digits, as: UTF8.self))
    }

    /// Behind the first occurrence.
    private static func offset(of text: StaticString, in line: [UInt8]) -> Int? {
        let length = text.utf8CodeUnitCount
        return line.withUnsafeBytes { bytes -> Int? in
            guard let base = bytes.baseAddress else { return nil }
            var from = 0
            while from + length <= bytes.count, let found = memchr(base + from, Int32(text.utf8Start[0]), bytes.count - length + 1 - from) {
                let offset = UnsafeRawPointer(found) - base
                if memcmp(found, text.utf8Start, length) == 0 { return offset + length }
                from = offset + 1
            }
            return nil
        }
    }

    private static func digest(_ hex: ArraySlice<UInt8>) -> AuditChain.Digest? {
        guard hex.count == 64 else { return nil }
        var words: [UInt64] = [0, 0, 0, 0]
        for (index, byte) in hex.enumerated() {
            let nibble: UInt8
            switch byte {
            case 0x30...0x39: nibble = byte - 0x30
            case 0x61...0x66: nibble = byte - 0x57
            default: return nil
            }
            words[index / 16] = words[index / 16] << 4 | UInt64(nibble)
        }
        return (words[0], words[1], words[2], words[3])
    }
}
