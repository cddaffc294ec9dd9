public import NIOCore

/// Writes the field sections of responses (RFC 9113 section 8.3.2): names from the static table where it has them, values as they are.
///
/// Nothing enters the client's dynamic table, so that a section can be written without knowing the ones before it.
public enum HTTP2ResponseFields {
    /// Names that HTTP/2 has no place for (RFC 9113 section 8.2.2).
    private static let connectionFields: KnownFieldSet = [.connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade, .te]

    /// The head of a response.
    ///
    /// - Parameters:
    ///   - isTunnel: whether the stream becomes a WebSocket by it (RFC 8441 section 5): then what of an HTTP/1.1 handshake's answer has no place in it stays away.
    ///   - lines: what the gateway adds: no name or value in them holds a line end.
    /// - Returns: the section's size as RFC 9113 section 6.5.2 counts it.
    public static func writeHead(
        status: Int, fields: HTTPFields, skipping: KnownFieldSet, lines: FieldLines?, contentLength: Int?, isTunnel: Bool = false, into output: inout ByteBuffer
    ) -> Int {
        let skipped = skipping.union(self.connectionFields).union([.contentLength])
        return self.write(bound: fields.writtenBound &+ (lines?.count ?? 0), into: &output) { writer in
            writer.status(status)
            fields.forEachUnsafe { known, name, value in
                if let known, skipped.contains(known) { return }
                if isTunnel, name.elementsEqual("sec-websocket-accept".utf8, by: { HTTPGrammar.lowercased($0) == $1 }) { return }
                writer.field(known, name, value)
            }
            lines?.withUnsafeBytes { writer.lines($0, isTunnel: isTunnel) }
            if let contentLength {
                withUnsafeTemporaryAllocation(byteCount: HTTPWriter.maximumDecimalDigits, alignment: 1) { space in
                    let count = HTTPWriter.decimal(contentLength, into: space)
                    writer.field(.contentLength, UnsafeRawBufferPointer(start: nil, count: 0), UnsafeRawBufferPointer(rebasing: space[..<count]))
                }
            }
        }
    }

    /// The trailers of a response, without those that may not stand there. Returns the section's size.
    public static func writeTrailers(_ fields: HTTPFields, into output: inout ByteBuffer) -> Int {
        self.write(bound: fields.writtenBound, into: &output) { writer in
            fields.forEachUnsafe { known, name, value in
                if let known, self.connectionFields.contains(known) || TrailerRules.forbidden.contains(known) { return }
                writer.field(known, name, value)
            }
        }
    }

    /// One look at the room for a whole section.
    ///
    /// - Parameter bound: bytes of the lines that the fields are in HTTP/1.1: four more a field than name and value, where this encoding has three, and four more for each string of 127 bytes or more.
    @inline(__always)
    private static func write(bound: Int, into output: inout ByteBuffer, _ body: (inout Writer) -> Void) -> Int {
        var size = 0
        _ = output.writeWithUnsafeMutableBytes(minimumWritableBytes: bound &+ bound / 16 &+ 64) { space in
            var writer = Writer(space)
            body(&writer)
            size = writer.size
            return writer.count
        }
        return size
    }

    /// What a section's names begin with in the encoding: an index of the static table, or the name itself. Made once, for the length of the process.
    private struct Beginnings: @unchecked Sendable {
        // Unchecked: written once, before anybody reads.
        private let bytes: UnsafeMutablePointer<UInt8>
        /// Where each begins; the last is where the last one ends.
        private let offsets: UnsafeMutablePointer<Int>

        init() {
            let all = KnownField.allCases.map(Beginnings.encoded)
            self.bytes = .allocate(capacity: all.reduce(0) { $0 + $1.count })
            self.offsets = .allocate(capacity: all.count + 1)
            var end = 0
            for (place, beginning) in zip(KnownField.allCases, all) {
                // The order of the cases is that of their raw values, from 0.
                precondition(Int(place.rawValue) < all.count)
                self.offsets[Int(place.rawValue)] = end
                for byte in beginning {
                    self.bytes[end] = byte
                    end += 1
                }
            }
            self.offsets[all.count] = end
        }

        private static func encoded(_ known: KnownField) -> [UInt8] {
            var name: [UInt8] = []
            known.name.withBytes { bytes in name = bytes.map { HTTPGrammar.lowercased($0) } }
            // Never to be indexed by anybody on the way (RFC 7541 section 7.1.3).
            let kind: UInt8 = known == .setCookie ? 0x10 : 0x00
            let index = (1...HPACKStaticTable.count).first { index in HPACKStaticTable.entry(index).name.withBytes { $0.elementsEqual(name) } }
            guard let index else { return [kind, UInt8(name.count)] + name }
            return index < 15 ? [kind | UInt8(index)] : [kind | 15, UInt8(index - 15)]
        }

        @inline(__always)
        subscript(known: KnownField) -> UnsafeRawBufferPointer {
            let start = self.offsets[Int(known.rawValue)]
            return UnsafeRawBufferPointer(start: self.bytes + start, count: self.offsets[Int(known.rawValue) + 1] - start)
        }
    }

    private static let beginnings = Beginnings()

    private struct Writer {
        private let base: UnsafeMutableRawPointer
        private let room: Int
        private(set) var count = 0
        private(set) var size = 0

        init(_ space: UnsafeMutableRawBufferPointer) {
            // Asked for with room for more than a byte, hence there is an address.
            self.base = space.baseAddress!
            self.room = space.count
        }

        /// The next bytes of the room. What does not fit is a defect of who made the room, and ends the process rather than write beyond it.
        @inline(__always)
        private mutating func take(_ bytes: Int) -> UnsafeMutableRawPointer {
            precondition(bytes <= self.room &- self.count, "the room for a field section was too small")
            defer { self.count &+= bytes }
            return self.base + self.count
        }

        @inline(__always)
        private mutating func put(_ bytes: UnsafeRawBufferPointer) {
            guard let source = bytes.baseAddress else { return }
            self.take(bytes.count).copyMemory(from: source, byteCount: bytes.count)
        }

        @inline(__always)
        private mutating func put(_ byte: UInt8) { self.take(1).storeBytes(of: byte, as: UInt8.self) }

        /// `:status`: the table has the most frequent ones.
        mutating func status(_ status: Int) {
            self.size &+= 42
            let index: UInt8? =
                switch status {
                case 200: 8
                case 204: 9
                case 206: 10
                case 304: 11
                case 400: 12
                case 404: 13
                case 500: 14
                default: nil
                }
            if let index {
                self.put(0x80 | index)
            } else {
                self.put(0x08)
                self.put(3)
                for digit in [status / 100, status / 10 % 10, status % 10] { self.put(UInt8(0x30 + digit)) }
            }
        }

        mutating func field(_ known: KnownField?, _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
            if let known {
                self.size &+= known.name.utf8CodeUnitCount &+ value.count &+ 32
                self.put(HTTP2ResponseFields.beginnings[known])
            } else {
                self.size &+= name.count &+ value.count &+ 32
                self.put(0)
                self.length(name.count)
                let space = self.take(name.count)
                for i in 0..<name.count { space.storeBytes(of: HTTPGrammar.lowercased(name[i]), toByteOffset: i, as: UInt8.self) }
            }
            self.length(value.count)
            self.put(value)
        }

        /// A string's length (RFC 7541 section 5.1): seven bits, and the rest in groups of seven.
        private mutating func length(_ count: Int) {
            guard count >= 127 else { return self.put(UInt8(count)) }
            self.put(127)
            var rest = count - 127
            while rest >= 128 {
                self.put(UInt8(rest & 0x7F | 0x80))
                rest >>= 7
            }
            self.put(UInt8(rest))
        }

        /// `name ": " value CRLF` each.
        mutating func lines(_ bytes: UnsafeRawBufferPointer, isTunnel: Bool) {
            guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
            var start = 0
            while start < bytes.count, let colon = ByteScan.index(of: 0x3A, in: base, from: start, to: bytes.count),
                let end = ByteScan.index(of: 0x0D, in: base, from: colon, to: bytes.count)
            {
                let name = UnsafeRawBufferPointer(rebasing: bytes[start..<colon])
                let known = KnownField.recognize(base + start, count: name.count)
                let isConnections = known.map { HTTP2ResponseFields.connectionFields.contains($0) } ?? false
                let isAccept = isTunnel && name.elementsEqual("sec-websocket-accept".utf8, by: { HTTPGrammar.lowercased($0) == $1 })
                if !isConnections, !isAccept { self.field(known, name, UnsafeRawBufferPointer(rebasing: bytes[min(colon + 2, end)..<end])) }
                start = end + 2
            }
        }
    }
}
