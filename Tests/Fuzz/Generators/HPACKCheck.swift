import GatewayWire
import NIOCore
import NIOHPACK

/// The properties of the HPACK decoder: section after section of a connection it finds the fields that nio-http2 finds, and an error where that has one.
///
/// An input is a row of sections, each behind two bytes of length.
package enum HPACKCheck {
    private struct Fields: HPACKFieldSink {
        var pairs: [[UInt8]] = []

        mutating func take(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) { self.pairs.append(Array(name) + [0x3D] + Array(value)) }
    }

    /// What is broken, or nil.
    package static func violation(_ input: [UInt8]) -> String? {
        let decoder = GatewayWire.HPACKDecoder()
        var oracle = NIOHPACK.HPACKDecoder(allocator: ByteBufferAllocator(), maxDynamicTableSize: GatewayWire.HPACKDecoder.tableBytes, maxHeaderListSize: 1 << 24)
        var rest = input[...]
        while rest.count >= 2 {
            let length = min(Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1]), rest.count - 2)
            let section = Array(rest.dropFirst(2).prefix(length))
            rest = rest.dropFirst(2 + length)
            var fields = Fields()
            let isRead = section.withUnsafeBytes { bytes in
                do throws(HPACKError) { try decoder.decode(bytes, into: &fields) } catch { return false }
                return true
            }
            var buffer = ByteBuffer(bytes: section)
            do {
                let expected = try oracle.decodeHeaders(from: &buffer)
                guard isRead else { return "refused what the oracle reads" }
                // The oracle makes text of bytes, and repairs what is none.
                let pairs = expected.map { Array("\($0.name)=\($0.value)".utf8) }
                let own = fields.pairs.map { Array(String(decoding: $0, as: UTF8.self).utf8) }
                if pairs != own { return "fields differ" }
            } catch is NIOHPACKErrors.EmptyLiteralHeaderFieldName {
                // No error of the encoding: whoever takes the fields refuses it.
                return nil
            } catch {
                return isRead ? "read what the oracle refuses: \(error)" : nil
            }
        }
        return nil
    }
}

enum HPACKSeeds {
    static let sections = FuzzMutator(seeds: seeds, words: words)

    private static let seeds: [[UInt8]] = [
        // RFC 7541 appendix C.3 and C.4: three requests on one connection, plain and Huffman-coded.
        HPACKSeeds.row([
            [0x82, 0x86, 0x84, 0x41, 0x0F] + Array("www.example.com".utf8),
            [0x82, 0x86, 0x84, 0xBE, 0x58, 0x08] + Array("no-cache".utf8),
            [0x82, 0x87, 0x85, 0xBF, 0x40, 0x0A] + Array("custom-key".utf8) + [0x0C] + Array("custom-value".utf8),
        ]),
        HPACKSeeds.row([
            [0x82, 0x86, 0x84, 0x41, 0x8C, 0xF1, 0xE3, 0xC2, 0xE5, 0xF2, 0x3A, 0x6B, 0xA0, 0xAB, 0x90, 0xF4, 0xFF],
            [0x82, 0x86, 0x84, 0xBE, 0x58, 0x86, 0xA8, 0xEB, 0x10, 0x64, 0x9C, 0xBF],
            [0x82, 0x87, 0x85, 0xBF, 0x40, 0x88, 0x25, 0xA8, 0x49, 0xE9, 0x5B, 0xA9, 0x7D, 0x7F, 0x89, 0x25, 0xA8, 0x49, 0xE9, 0x5B, 0xB8, 0xE8, 0xB4, 0xBF],
        ]),
        // Entries that do not fit together, an entry larger than the table, and a table made smaller.
        HPACKSeeds.row([
            [0x40, 0x01, 0x61, 0x7F, 0x81, 0x0E] + [UInt8](repeating: 0x62, count: 1_920),
            [0x40, 0x01, 0x63, 0x7F, 0x81, 0x0E] + [UInt8](repeating: 0x64, count: 1_920),
            [0x7E, 0x7F, 0x81, 0x0E] + [UInt8](repeating: 0x65, count: 1_920) + [0xBE, 0xBF],
            [0x3F, 0x01, 0x40, 0x01, 0x66, 0x01, 0x67, 0xBE],
            [0x20, 0x3F, 0xE1, 0x1F, 0x40, 0x01, 0x66, 0x00, 0xBE, 0x10, 0x01, 0x68, 0x00],
        ]),
    ]

    private static let words: [[UInt8]] = [
        [0x80], [0xBE], [0xBF], [0xC0], [0xFF, 0x00], [0x20], [0x3F, 0xE1, 0x1F], [0x3F, 0xE2, 0x1F], [0x40], [0x7F], [0x00], [0x10], [0x0F, 0x2F], [0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
        [0x81, 0xFF], [0x84, 0xFF, 0xFF, 0xFF, 0xFF], [0x00, 0x04], [0x01, 0x00], [0x7E], [0x40, 0x01, 0x61, 0x01, 0x62],
    ]

    private static func row(_ sections: [[UInt8]]) -> [UInt8] {
        sections.flatMap { [UInt8($0.count >> 8), UInt8($0.count & 0xFF)] + $0 }
    }
}
