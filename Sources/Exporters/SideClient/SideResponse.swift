/// A complete HTTP response. Any status is a response; only an exchange that broke is a ``SideFailure``.
public struct SideResponse: Sendable {
    public let status: Int
    /// Names in lower case, in the order received.
    public let headers: [(name: String, value: String)]
    public let body: [UInt8]

    public init(status: Int, headers: [(name: String, value: String)] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The first value of a header field.
    /// - Parameter name: in lower case.
    public func header(_ name: String) -> String? { self.headers.first { $0.name == name }?.value }

    /// Field lines of a response; a line without a colon is skipped.
    static func parseHeaders(_ bytes: UnsafeBufferPointer<UInt8>) -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        for line in bytes.split(whereSeparator: { $0 == 0x0a }) {
            guard let colon = line.firstIndex(of: 0x3a), colon > line.startIndex else { continue }
            var value = line[(colon + 1)...]
            while let first = value.first, first == 0x20 || first == 0x09 { value = value.dropFirst() }
            while let last = value.last, last == 0x20 || last == 0x09 || last == 0x0d { value = value.dropLast() }
            fields.append((String(decoding: line[..<colon], as: UTF8.self).lowercased(), String(decoding: value, as: UTF8.self)))
        }
        return fields
    }
}
