import GatewayWire
import NIOCore

/// The canonical form of a request's path and query (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
enum SigV4Canonical {
    /// The path with dot segments and empty segments resolved, and each segment percent-encoded once more than it is on the wire: the rule of every service but S3.
    static func appendPath(_ path: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        guard self.isPlain(path) else { return self.appendNormalized(path, to: &output) }
        if path.isEmpty { output.append(0x2f) }
        for byte in path { self.append(byte, to: &output) }
    }

    private static func append(_ byte: UInt8, to output: inout [UInt8]) {
        if byte == 0x2f { output.append(byte) } else { PercentEncoding.append(byte, to: &output) }
    }

    /// Whether there is nothing to resolve: no "//", no segment that begins with a dot.
    private static func isPlain(_ path: UnsafeRawBufferPointer) -> Bool {
        var previous = UInt8(0)
        for byte in path {
            if previous == 0x2f, byte == 0x2f || byte == 0x2e { return false }
            previous = byte
        }
        return path.first == 0x2f || path.isEmpty
    }

    private static func appendNormalized(_ path: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        var segments: [Slice<UnsafeRawBufferPointer>] = []
        for segment in path.split(separator: 0x2f) {
            if segment.elementsEqual(".".utf8) { continue }
            if segment.elementsEqual("..".utf8) {
                if !segments.isEmpty { segments.removeLast() }
            } else {
                segments.append(segment)
            }
        }
        output.append(0x2f)
        for (index, segment) in segments.enumerated() {
            if index > 0 { output.append(0x2f) }
            for byte in segment { self.append(byte, to: &output) }
        }
        if !segments.isEmpty, path.last == 0x2f { output.append(0x2f) }
    }

    /// The parameters as they are on the wire, sorted by name, then by value; one without "=" gets it.
    static func appendQuery(_ query: UnsafeRawBufferPointer, to output: inout [UInt8]) {
        guard !query.isEmpty else { return }
        var pairs: [(name: Slice<UnsafeRawBufferPointer>, value: Slice<UnsafeRawBufferPointer>)] = []
        for pair in query.split(separator: 0x26, omittingEmptySubsequences: false) {
            let equals = pair.firstIndex(of: 0x3d)
            pairs.append((pair[..<(equals ?? pair.endIndex)], equals.map { pair[($0 + 1)...] } ?? pair[pair.endIndex...]))
        }
        pairs.sort { a, b in
            if a.name.elementsEqual(b.name) { return a.value.lexicographicallyPrecedes(b.value) }
            return a.name.lexicographicallyPrecedes(b.name)
        }
        for (index, pair) in pairs.enumerated() {
            if index > 0 { output.append(0x26) }
            output.append(contentsOf: pair.name)
            output.append(0x3d)
            output.append(contentsOf: pair.value)
        }
    }
}
