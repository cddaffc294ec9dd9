import GatewayCore
import GatewayWire
import NIOCore
import NIOHPACK

/// HTTP/2's field sections as the pipeline knows them, and back.
enum HTTP2Fields {
    /// A request's head (RFC 9113 section 8.3.1). What nio-http2 has checked (order and repetition of pseudo-fields, lower case, connection fields, content length) is not checked again.
    ///
    /// - Parameter isEnd: whether no content follows.
    static func requestHead(_ headers: HPACKHeaders, isEnd: Bool, limits: HTTPLimits) throws(HTTPParseError) -> HTTPRequestHead {
        guard headers.count <= limits.fieldCount + 4 else { throw .tooManyFields }
        var pseudo = PseudoFields()
        var fields = HTTPFields(fieldCapacity: headers.count + 1, byteCapacity: 512)
        var cookies: String?
        for (name, value, _) in headers {
            if name.utf8.first == 0x3a {
                pseudo.take(name, value)
                // Pseudo-fields come first, so that Host stands where HTTP/1.1 has it.
                if name == ":authority", !fields.append(.host, value) { throw .hostInvalid }
            } else if name == "cookie" {
                // Split for compression; one field for whoever reads it (RFC 9113 section 8.2.3).
                cookies = cookies.map { "\($0); \(value)" } ?? value
            } else if name == "host" {
                guard pseudo.authority == nil else {
                    guard pseudo.authority?.lowercased() == value.lowercased() else { throw .hostInvalid }
                    continue
                }
                guard !fields.contains(.host) else { throw .hostRepeated }
                guard fields.append(.host, value) else { throw .hostInvalid }
            } else {
                try self.append(name, value, to: &fields)
            }
        }
        if let cookies, !fields.append(.cookie, cookies) { throw .fieldValueInvalid }
        if pseudo.protocol != nil { try self.becomeHandshake(&pseudo, &fields) }
        return try self.head(pseudo, fields, isEnd: isEnd, limits: limits)
    }

    private struct PseudoFields {
        var method = ""
        var scheme: String?
        var authority: String?
        var path: String?
        /// RFC 8441 section 4.
        var `protocol`: String?

        mutating func take(_ name: String, _ value: String) {
            switch name {
            case ":method": self.method = value
            case ":scheme": self.scheme = value
            case ":authority": self.authority = value
            case ":path": self.path = value
            case ":protocol": self.protocol = value
            default: break
            }
        }
    }

    /// An extended CONNECT for a WebSocket (RFC 8441 section 5) as the pipeline knows a handshake: a GET with the fields of RFC 6455 section 4.1, and a key of the gateway's own.
    private static func becomeHandshake(_ pseudo: inout PseudoFields, _ fields: inout HTTPFields) throws(HTTPParseError) {
        guard pseudo.method == "CONNECT", pseudo.protocol == "websocket" else { throw .targetInvalid }
        guard !fields.contains(.contentLength) else { throw .contentOnConnect }
        pseudo.method = "GET"
        _ = fields.append(.connection, literal: "Upgrade")
        _ = fields.append(.upgrade, literal: "websocket")
        _ = fields.replace(name: "Sec-WebSocket-Key", Base64Text.encode((0..<16).map { _ in UInt8.random(in: .min ... .max) }))
    }

    private static func head(_ pseudo: PseudoFields, _ fields: HTTPFields, isEnd: Bool, limits: HTTPLimits) throws(HTTPParseError) -> HTTPRequestHead {
        guard let method = HTTPMethod(pseudo.method) else { throw .methodInvalid }
        let text = method == .connect ? pseudo.authority : pseudo.path
        guard let text, !text.isEmpty else { throw .targetInvalid }
        guard text.utf8.count + pseudo.method.utf8.count <= limits.startLineBytes else { throw .startLineTooLong }
        let target = try HTTPTarget(text, method: method)
        guard target.form != .absolute, pseudo.scheme.map({ $0 == "https" || $0 == "http" }) ?? (method == .connect) else { throw .targetInvalid }
        var length: Int?
        if let value = fields.firstString(.contentLength) {
            guard !value.isEmpty, value.utf8.count <= 18, value.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let number = Int(value) else { throw .contentLengthInvalid }
            guard fields.count(of: .contentLength) == 1 else { throw .contentLengthRepeated }
            length = number
        }
        let framing: HTTPRequestFraming = length.map { .length($0) } ?? (isEnd || pseudo.protocol != nil ? .none : .chunked)
        if method == .connect, framing != .none { throw .contentOnConnect }
        let head = HTTPRequestHead(
            method: method, target: target, fields: fields, framing: framing, expectsContinue: fields.firstString(.expect)?.lowercased() == "100-continue")
        guard fields.contains(.host) else { throw .hostMissing }
        guard head.host != nil else { throw .hostInvalid }
        return head
    }

    /// Trailers of a request; those that may not stand there are refused.
    static func trailers(_ headers: HPACKHeaders, limits: HTTPLimits) throws(HTTPParseError) -> HTTPFields? {
        guard !headers.isEmpty else { return nil }
        guard headers.count <= limits.fieldCount else { throw .tooManyFields }
        var fields = HTTPFields()
        for (name, value, _) in headers { try self.append(name, value, to: &fields) }
        guard fields.knownNames.isDisjoint(with: TrailerRules.forbidden) else { throw .trailerForbidden }
        return fields
    }

    private static func append(_ name: String, _ value: String, to fields: inout HTTPFields) throws(HTTPParseError) {
        var name = name
        var value = value
        // Bytes, so that a value is checked as it was sent.
        let isTaken = name.withUTF8 { name in value.withUTF8 { fields.append(nameBytes: UnsafeRawBufferPointer(name), bytes: UnsafeRawBufferPointer($0)) } }
        guard isTaken else { throw .fieldValueInvalid }
    }

    // MARK: Responses

    /// Names that HTTP/2 has no place for (RFC 9113 section 8.2.2).
    private static let connectionFields: KnownFieldSet = [.connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade, .te]

    static func responseHeaders(status: Int, fields: HTTPFields, skipping: KnownFieldSet, lines: FieldLines?, contentLength: Int?) -> HPACKHeaders {
        var headers = HPACKHeaders()
        headers.reserveCapacity(fields.count + 8)
        headers.add(name: ":status", value: String(status))
        let skipped = skipping.union(self.connectionFields).union([.contentLength])
        fields.forEachUnsafe { known, name, value in
            if let known {
                if !skipped.contains(known) { headers.add(name: self.lowercased(known), value: String(decoding: value, as: UTF8.self)) }
            } else {
                headers.add(name: String(decoding: name, as: UTF8.self).lowercased(), value: String(decoding: value, as: UTF8.self))
            }
        }
        if let lines { self.add(lines, to: &headers) }
        if let contentLength { headers.add(name: "content-length", value: String(contentLength)) }
        return headers
    }

    /// The head by which a stream becomes a WebSocket (RFC 8441 section 5): what of an HTTP/1.1 handshake's answer has no place in it is gone.
    static func tunnelHeaders(fields: HTTPFields, skipping: KnownFieldSet, lines: FieldLines?) -> HPACKHeaders {
        var headers = self.responseHeaders(status: 200, fields: fields, skipping: skipping, lines: lines, contentLength: nil)
        for name in ["connection", "upgrade", "sec-websocket-accept"] { headers.remove(name: name) }
        return headers
    }

    static func trailers(_ fields: HTTPFields) -> HPACKHeaders {
        var headers = HPACKHeaders()
        fields.forEachUnsafe { known, name, value in
            if let known, self.connectionFields.contains(known) || TrailerRules.forbidden.contains(known) { return }
            headers.add(name: String(decoding: name, as: UTF8.self).lowercased(), value: String(decoding: value, as: UTF8.self))
        }
        return headers
    }

    /// Lines that are written as they are in HTTP/1.1: no name or value in them holds a line end.
    private static func add(_ lines: FieldLines, to headers: inout HPACKHeaders) {
        var rest = lines.bytes.readableBytesView[...]
        while let end = rest.firstIndex(of: 0x0d), let colon = rest[..<end].firstIndex(of: 0x3a) {
            let name = rest[rest.startIndex..<colon]
            let value = rest[(colon + 1)..<end].drop { $0 == 0x20 }
            headers.add(name: String(decoding: name, as: UTF8.self).lowercased(), value: String(decoding: value, as: UTF8.self))
            rest = rest[(end + 1)...].dropFirst()
        }
    }

    private static let lowercasedNames = KnownField.allCases.map { "\($0.name)".lowercased() }

    private static func lowercased(_ field: KnownField) -> String { self.lowercasedNames[Int(field.rawValue)] }

    /// Size of a field section as RFC 9113 section 6.5.2 counts it for SETTINGS_MAX_HEADER_LIST_SIZE.
    static func size(_ headers: HPACKHeaders) -> Int {
        headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 32 }
    }
}
