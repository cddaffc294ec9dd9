import CDecoding
import GatewayCore
import NIOCore

/// Takes one content coding off a response: gzip and deflate by zlib, br by brotli.
final class StreamDecoder: ContentDecoder {
    /// Content given out at once, so that what unpacks to much is unpacked no faster than it is taken.
    static let pieceBytes = 32_768
    private let decoder: OpaquePointer

    /// - Returns: nil for a coding that this build does not know.
    init?(coding: String) {
        let known: pellucid_coding
        switch coding.lowercased() {
        case "gzip", "x-gzip": known = PELLUCID_GZIP
        case "deflate": known = PELLUCID_DEFLATE
        case "br": known = PELLUCID_BROTLI
        default: return nil
        }
        guard let made = pellucid_decoder_create(known) else { return nil }
        self.decoder = made
    }

    deinit { pellucid_decoder_destroy(self.decoder) }

    var isComplete: Bool { pellucid_decoder_is_complete(self.decoder) }

    func decode(_ input: inout ByteBuffer) throws(ContentDecodingFailure) -> ByteBuffer? {
        var output = ByteBufferAllocator().buffer(capacity: StreamDecoder.pieceBytes)
        while true {
            var taken = 0
            var isValid = true
            let written = output.writeWithUnsafeMutableBytes(minimumWritableBytes: StreamDecoder.pieceBytes) { space in
                input.withUnsafeReadableBytes { bytes in
                    var written = 0
                    isValid = pellucid_decoder_step(
                        self.decoder, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, &taken,
                        space.baseAddress?.assumingMemoryBound(to: UInt8.self), min(space.count, StreamDecoder.pieceBytes), &written)
                    return written
                }
            }
            input.moveReaderIndex(forwardBy: taken)
            guard isValid else { throw ContentDecodingFailure() }
            if written > 0 { return output }
            if taken == 0 || input.readableBytes == 0 { return nil }
        }
    }
}
