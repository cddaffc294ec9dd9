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
        output.writeHead(room: bound &+ bound / 16 &+ 64) { out in
            var writer = Writer(out)
            body(&writer)
            out = writer.out
            size = writer.size
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
        var out: HeadWriter
        private(set) var size = 0

        init(_ out: HeadWriter) { self.out = out }

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
                self.out.put(byte: 0x80 | index)
            } else {
                self.out.put(byte: 0x08)
                self.out.put(byte: 3)
                for digit in [status / 100, status / 10 % 10, status % 10] { self.out.put(byte: UInt8(0x30 + digit)) }
            }
        }

        mutating func field(_ known: KnownField?, _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
            if let known {
                self.size &+= known.name.utf8CodeUnitCount &+ value.count &+ 32
                self.out.put(HTTP2ResponseFields.beginnings[known])
            } else {
                self.size &+= name.count &+ value.count &+ 32
                self.out.put(byte: 0)
                self.length(name.count)
                self.out.put(lowercased: name)
            }
            self.length(value.count)
            self.out.put(value)
        }

        /// A string's length (RFC 7541 section 5.1): seven bits, and the rest in groups of seven.
        private mutating func length(_ count: Int) {
            guard count >= 127 else { return self.out.put(byte: UInt8(count)) }
            self.out.put(byte: 127)
            var rest = count - 127
            while rest >= 128 {
                self.out.put(byte: UInt8(rest & 0x7F | 0x80))
                rest >>= 7
            }
            self.out.put(byte: UInt8(rest))
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
