public import NIOCore

/// Writes messages. Field lines come from ``HTTPFields/write(into:skipping:)``; an empty line ends a head.
public enum HTTPWriter {
    /// Writes `method SP target SP version CRLF`.
    public static func requestLine(_ method: HTTPMethod, _ target: HTTPTarget, _ version: HTTPVersion = .http11, into output: inout ByteBuffer) {
        output.writeString(method.name)
        output.writeStaticString(" ")
        output.writeImmutableBuffer(target.bytes)
        lineEnd(version, into: &output)
    }

    /// Writes a request line whose target is put together from a path and a query.
    ///
    /// - Returns: False when the path does not begin with "/" or either holds a byte that may not stand in a target; then nothing is written.
    public static func requestLine(
        _ method: HTTPMethod, path: ByteBufferView, query: ByteBufferView?, _ version: HTTPVersion = .http11, into output: inout ByteBuffer
    ) -> Bool {
        guard path.first == 0x2F, isTargetPart(path), !path.contains(0x3F), query.map(isTargetPart) ?? true else { return false }
        output.writeString(method.name)
        output.writeStaticString(" ")
        output.writeBytes(path)
        if let query {
            output.writeStaticString("?")
            output.writeBytes(query)
        }
        lineEnd(version, into: &output)
        return true
    }

    /// Writes `version SP status SP reason CRLF` with the registered reason phrase.
    ///
    /// - Parameter status: 100...999; a number outside is written as 500, since no client could read it.
    public static func statusLine(_ status: Int, _ version: HTTPVersion = .http11, into output: inout ByteBuffer) {
        let status = 100...999 ~= status ? status : 500
        if status == 200, version == .http11 {
            output.writeStaticString("HTTP/1.1 200 OK\r\n")
            return
        }
        output.writeStaticString(version.name)
        output.writeStaticString(" ")
        decimal(status, into: &output)
        output.writeStaticString(" ")
        output.writeStaticString(HTTPStatus.reason(status))
        output.writeStaticString("\r\n")
    }

    /// Writes the empty line that ends a head or a trailer section.
    public static func endOfFields(into output: inout ByteBuffer) { output.writeStaticString("\r\n") }

    /// Writes a whole head as it stands: request line, fields, empty line. Framing fields are the caller's.
    public static func head(_ head: HTTPRequestHead, skipping skipped: KnownFieldSet = [], into output: inout ByteBuffer) {
        requestLine(head.method, head.target, head.version, into: &output)
        head.fields.write(into: &output, skipping: skipped)
        endOfFields(into: &output)
    }

    /// Writes a whole head: status line with the registered reason phrase, fields, empty line. Framing fields are the caller's.
    public static func head(_ head: HTTPResponseHead, skipping skipped: KnownFieldSet = [], into output: inout ByteBuffer) {
        statusLine(head.status, head.version, into: &output)
        head.fields.write(into: &output, skipping: skipped)
        endOfFields(into: &output)
    }

    /// Writes the line before chunk data (RFC 9112 section 7.1). A chunk of 0 bytes would end the content, hence nothing is written for it.
    public static func chunkHeader(_ size: Int, into output: inout ByteBuffer) {
        guard size > 0 else { return }
        var shift = (63 - size.leadingZeroBitCount) & ~3
        while shift >= 0 {
            let digit = UInt8(truncatingIfNeeded: size &>> shift) & 0xF
            output.writeInteger(digit < 10 ? 0x30 + digit : 0x57 + digit)
            shift -= 4
        }
        output.writeStaticString("\r\n")
    }

    /// Writes the CRLF behind chunk data.
    public static func chunkEnd(into output: inout ByteBuffer) { output.writeStaticString("\r\n") }

    /// Writes one chunk: header, data, CRLF. Nothing for empty data.
    public static func chunk(_ data: ByteBuffer, into output: inout ByteBuffer) {
        guard data.readableBytes > 0 else { return }
        chunkHeader(data.readableBytes, into: &output)
        output.writeImmutableBuffer(data)
        chunkEnd(into: &output)
    }

    /// Writes the last chunk and the trailer section.
    public static func lastChunk(trailers: HTTPFields? = nil, into output: inout ByteBuffer) {
        output.writeStaticString("0\r\n")
        trailers?.write(into: &output)
        output.writeStaticString("\r\n")
    }

    /// Writes a number in decimal digits without building a string.
    public static func decimal(_ value: Int, into output: inout ByteBuffer) {
        output.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.maximumDecimalDigits) { Self.decimal(value, into: $0) }
    }

    /// Digits of the longest number and its sign.
    static let maximumDecimalDigits = 20

    /// Writes a number in decimal digits; `space` has room for ``maximumDecimalDigits``.
    ///
    /// - Returns: the number of bytes written.
    static func decimal(_ value: Int, into space: UnsafeMutableRawBufferPointer) -> Int {
        var count = value < 0 ? 2 : 1
        var rest = value.magnitude
        while rest >= 10 {
            rest /= 10
            count &+= 1
        }
        rest = value.magnitude
        var i = count
        repeat {
            i &-= 1
            space[i] = UInt8(truncatingIfNeeded: rest % 10) &+ 0x30
            rest /= 10
        } while rest > 0
        if value < 0 { space[0] = 0x2D }
        return count
    }

    private static func lineEnd(_ version: HTTPVersion, into output: inout ByteBuffer) {
        output.writeStaticString(" ")
        output.writeStaticString(version.name)
        output.writeStaticString("\r\n")
    }

    private static func isTargetPart(_ bytes: ByteBufferView) -> Bool {
        bytes.withUnsafeBytes { raw in raw.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x23 } }
    }
}
