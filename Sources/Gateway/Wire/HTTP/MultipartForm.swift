public import NIOCore

/// A form as `multipart/form-data` (RFC 7578), looked through for its fields; files stay where they are.
public struct MultipartForm: Sendable {
    /// One part: what it is called, and where its content lies. Offsets count from the reader index.
    public struct Part: Sendable {
        public let name: String
        /// Whether it is a file: parts with a name of one.
        public let isFile: Bool
        public let content: Range<Int>
    }

    public let bytes: ByteBuffer
    /// In the order of the body.
    public let parts: [Part]
    /// `--` and the boundary.
    private let delimiter: [UInt8]
    /// Where the first part's delimiter begins.
    private let start: Int

    /// - Parameter contentType: the field's value, with its boundary.
    /// - Returns: nil where the body is no complete form of this type.
    public init?(_ bytes: ByteBuffer, contentType: String) {
        guard let boundary = MultipartForm.boundary(of: contentType) else { return nil }
        let delimiter = Array("--\(boundary)".utf8)
        guard let (start, parts) = bytes.withUnsafeReadableBytes({ MultipartForm.parts(of: $0, delimiter) }) else { return nil }
        self.bytes = bytes
        self.delimiter = delimiter
        self.start = start
        self.parts = parts
    }

    /// Values of the fields with this name, without files.
    public func values(_ name: String) -> [String] {
        self.parts.filter { $0.name == name && !$0.isFile }.map { part in
            self.bytes.withUnsafeReadableBytes { String(decoding: UnsafeRawBufferPointer(rebasing: $0[part.content]), as: UTF8.self) }
        }
    }

    /// The form with one value for a field: in the place of those it has, or before all others.
    public func setting(_ name: String, _ value: String) -> ByteBuffer {
        var splice = JSONSplice(self.bytes)
        let places = self.parts.filter { $0.name == name && !$0.isFile }
        for place in places { _ = splice.replace(place.content, with: ByteBuffer(string: value)) }
        if places.isEmpty {
            var part = ByteBuffer(bytes: self.delimiter)
            part.writeString("\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n")
            _ = splice.replace(self.start..<self.start, with: part)
        }
        return splice.apply()
    }

    // MARK: Reading

    /// The parameter `boundary` of a Content-Type (RFC 2046 section 5.1.1): 1 to 70 characters.
    static func boundary(of contentType: String) -> String? {
        guard contentType.lowercased().hasPrefix("multipart/form-data") else { return nil }
        for parameter in MultipartForm.parameters(contentType) where parameter.name == "boundary" {
            return (1...70).contains(parameter.value.utf8.count) ? parameter.value : nil
        }
        return nil
    }

    /// Parameters behind the first semicolon; values may be quoted (RFC 9110 section 5.6.6).
    private static func parameters(_ value: String) -> [(name: String, value: String)] {
        var parameters: [(name: String, value: String)] = []
        var rest = Substring(value)
        while let semicolon = rest.firstIndex(of: ";") {
            rest = rest[rest.index(after: semicolon)...]
            guard let equals = rest.firstIndex(where: { $0 == "=" || $0 == ";" }), rest[equals] == "=" else { continue }
            let name = rest[..<equals].trimmingPrefix(while: \.isWhitespace).lowercased()
            rest = rest[rest.index(after: equals)...]
            var text = ""
            if rest.first == "\"" {
                rest = rest.dropFirst()
                while let character = rest.first, character != "\"" {
                    rest = rest.dropFirst()
                    if character == "\\", let escaped = rest.first {
                        text.append(escaped)
                        rest = rest.dropFirst()
                    } else {
                        text.append(character)
                    }
                }
            } else {
                text = String(rest.prefix { $0 != ";" && !$0.isWhitespace })
            }
            parameters.append((String(name), text))
        }
        return parameters
    }

    /// The parts between delimiters, which stand at the beginning of a line each.
    private static func parts(of bytes: UnsafeRawBufferPointer, _ delimiter: [UInt8]) -> (start: Int, parts: [Part])? {
        guard let start = self.find(delimiter, in: bytes, from: 0, atLineStart: true) else { return nil }
        var parts: [Part] = []
        var position = start + delimiter.count
        while true {
            // The last delimiter ends with two hyphens; others may be followed by blanks.
            if position + 2 <= bytes.count, bytes[position] == 0x2D, bytes[position + 1] == 0x2D { return (start, parts) }
            while position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x09 { position += 1 }
            guard position + 2 <= bytes.count, bytes[position] == 0x0D, bytes[position + 1] == 0x0A else { return nil }
            guard let head = self.find([0x0D, 0x0A, 0x0D, 0x0A], in: bytes, from: position, atLineStart: false),
                let next = self.find(delimiter, in: bytes, from: head + 4, atLineStart: true)
            else { return nil }
            // The line end before the delimiter belongs to it.
            let content = (head + 4)..<max(head + 4, next - 2)
            let lines = String(decoding: UnsafeRawBufferPointer(rebasing: bytes[(position + 2)..<max(position + 2, head)]), as: UTF8.self)
            guard let part = self.part(lines, content) else { return nil }
            parts.append(part)
            position = next + delimiter.count
        }
    }

    private static func part(_ lines: String, _ content: Range<Int>) -> Part? {
        for line in lines.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == "content-disposition" else { continue }
            let parameters = self.parameters(String(line[line.index(after: colon)...]))
            guard let name = parameters.last(where: { $0.name == "name" }) else { return nil }
            return Part(name: name.value, isFile: parameters.contains { $0.name == "filename" || $0.name == "filename*" }, content: content)
        }
        return nil
    }

    private static func find(_ pattern: [UInt8], in bytes: UnsafeRawBufferPointer, from start: Int, atLineStart: Bool) -> Int? {
        guard let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), let first = pattern.first else { return nil }
        var i = start
        while let found = ByteScan.index(of: first, in: base, from: i, to: bytes.count - pattern.count + 1) {
            let isPlace = !atLineStart || found == 0 || found >= 2 && base[found - 2] == 0x0D && base[found - 1] == 0x0A
            if isPlace, UnsafeRawBufferPointer(rebasing: bytes[found..<(found + pattern.count)]).elementsEqual(pattern) { return found }
            i = found + 1
        }
        return nil
    }
}
