import NIOCore

/// Builds a request's head, or its trailers, from the fields of a section as they are decoded (RFC 9113 sections 8.1 to 8.3).
///
/// What makes a request malformed in HTTP/2's own terms and what HTTP/1.1 would refuse too are told apart: the former resets the stream, the latter is answered.
public struct HTTP2RequestFields: HPACKFieldSink {
    private let limits: HTTPLimits
    private let isTrailers: Bool
    private var fields: HTTPFields
    private var count = 0
    /// Size as RFC 9113 section 6.5.2 counts it for SETTINGS_MAX_HEADER_LIST_SIZE.
    public private(set) var size = 0
    private var refusal: HTTPParseError?
    /// Whether a rule of HTTP/2 itself is broken (RFC 9113 section 8.1.1).
    public private(set) var isMalformed = false

    private var method: HTTPMethod?
    private var isSchemeThere = false
    private var isSchemeKnown = false
    private var isAuthorityThere = false
    /// Where it lies among the fields' bytes.
    private var path: Range<Int>?
    /// RFC 8441 section 4.
    private var `protocol`: String?
    private var isPseudoOver = false
    private var methodBytes = 0
    private var cookies: ByteBuffer?
    private var host: String?

    public init(limits: HTTPLimits, isTrailers: Bool = false) {
        self.limits = limits
        self.isTrailers = isTrailers
        self.fields = isTrailers ? HTTPFields() : HTTPFields(fieldCapacity: 16, byteCapacity: 512)
    }

    // MARK: Taking fields

    public mutating func take(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        self.count &+= 1
        self.size &+= name.count &+ value.count &+ 32
        // Decoding goes on, since the table has to; nothing is kept any more.
        if self.refusal != nil || self.isMalformed { return }
        if self.size > self.limits.fieldsBytes { return self.refusal = .fieldsTooLarge }
        // Pseudo-fields are no field lines.
        if self.count > self.limits.fieldCount &+ (self.isTrailers ? 0 : 4) { return self.refusal = .tooManyFields }
        guard let first = name.first else { return self.isMalformed = true }
        if first == 0x3A { return self.takePseudo(name, value) }
        self.isPseudoOver = true
        for byte in name where byte &- 0x41 < 26 { return self.isMalformed = true }
        self.takeField(name, value)
    }

    private mutating func takeField(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        guard HTTPGrammar.isToken(name), name.count <= UInt16.max, let base = name.baseAddress else { return self.refusal = .fieldValueInvalid }
        let known = KnownField.recognize(base.assumingMemoryBound(to: UInt8.self), count: name.count)
        if self.isTrailers { return self.add(known, name, value) }
        switch known {
        case .connection, .keepAlive, .proxyConnection, .transferEncoding, .upgrade:
            // RFC 9113 section 8.2.2.
            self.isMalformed = true
        case .te where !value.isText("trailers"): self.isMalformed = true
        case .cookie:
            // Split for compression; one field for whoever reads it (RFC 9113 section 8.2.3).
            if self.cookies == nil { self.cookies = ByteBuffer() } else { self.cookies?.writeStaticString("; ") }
            self.cookies?.writeBytes(value)
        case .host:
            if self.host != nil { return self.refusal = .hostRepeated }
            self.host = String(decoding: value, as: UTF8.self)
        default: self.add(known, name, value)
        }
    }

    private mutating func add(_ known: KnownField?, _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        if !self.fields.addLine(known: known, name: name, value: value) { self.refusal = .fieldValueInvalid }
    }

    private mutating func takePseudo(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        guard !self.isTrailers, !self.isPseudoOver else { return self.isMalformed = true }
        if name.isText(":method") {
            guard self.methodBytes == 0, let base = value.baseAddress, !value.isEmpty else { return self.isMalformed = true }
            self.methodBytes = value.count
            guard HTTPGrammar.isToken(value) else { return self.refusal = .methodInvalid }
            self.method = HTTPMethod(token: base.assumingMemoryBound(to: UInt8.self), count: value.count)
        } else if name.isText(":scheme") {
            if self.isSchemeThere { return self.isMalformed = true }
            self.isSchemeThere = true
            self.isSchemeKnown = value.isText("https") || value.isText("http")
        } else if name.isText(":authority") {
            // What is added to the fields loses its blanks, which no value may have there (RFC 9113 section 8.2.1).
            if self.isAuthorityThere || value.first.map(HTTPGrammar.isBlank) ?? false || value.last.map(HTTPGrammar.isBlank) ?? false { return self.isMalformed = true }
            self.isAuthorityThere = true
            // Pseudo-fields come first, so that Host stands where HTTP/1.1 has it.
            if !self.fields.append(.host, bytes: value) { self.refusal = .hostInvalid }
        } else if name.isText(":path") {
            if self.path != nil { return self.isMalformed = true }
            self.path = self.fields.keep(value)
        } else if name.isText(":protocol") {
            if self.protocol != nil { return self.isMalformed = true }
            self.protocol = String(decoding: value, as: UTF8.self)
        } else {
            self.isMalformed = true
        }
    }

    // MARK: The result

    /// The request's head. Where it throws, ``isMalformed`` tells whether the stream is to be reset rather than answered.
    ///
    /// - Parameters:
    ///   - isEnd: whether no content follows.
    ///   - webSocketKey: for a WebSocket on a stream: the key of the handshake that stands for it.
    /// - Throws: what HTTP/1.1 would refuse too.
    public mutating func head(isEnd: Bool, webSocketKey: () -> String) throws(HTTPParseError) -> HTTPRequestHead {
        if let refusal { throw refusal }
        self.checkPseudoFields()
        guard !self.isMalformed, var method else { throw .methodInvalid }
        if let host {
            if let authority = self.authority {
                guard authority.lowercased() == host.lowercased() else { throw .hostInvalid }
            } else {
                guard self.fields.append(.host, host) else { throw .hostInvalid }
            }
        }
        if let cookies { guard self.fields.append(.cookie, cookies) else { throw .fieldValueInvalid } }
        if let name = self.protocol {
            // An extended CONNECT for a WebSocket (RFC 8441 section 5) as the pipeline knows a handshake: a GET with the fields of RFC 6455 section 4.1, and a key of the gateway's own.
            guard name == "websocket" else { throw .targetInvalid }
            guard !self.fields.contains(.contentLength) else { throw .contentOnConnect }
            method = .get
            self.fields.append(.connection, literal: "Upgrade")
            self.fields.append(.upgrade, literal: "websocket")
            _ = self.fields.replace(name: "Sec-WebSocket-Key", webSocketKey())
        }
        return try self.finish(method, isEnd: isEnd)
    }

    /// Of the pseudo-field, which stands first among the fields; nil: there is none.
    private var authority: String? { self.isAuthorityThere ? self.fields.firstString(.host) ?? "" : nil }

    private mutating func checkPseudoFields() {
        // RFC 9113 section 8.3.1; CONNECT has an authority only (section 8.5), unless it is extended.
        if self.methodBytes == 0 { self.isMalformed = true }
        if self.method == .connect, self.protocol == nil {
            if self.isSchemeThere || self.path != nil || !self.isAuthorityThere { self.isMalformed = true }
        } else if !self.isSchemeThere || self.path?.isEmpty ?? true || self.protocol != nil && self.method != .connect {
            self.isMalformed = true
        }
    }

    private func finish(_ method: HTTPMethod, isEnd: Bool) throws(HTTPParseError) -> HTTPRequestHead {
        guard let text = method == .connect ? self.authority.map({ ByteBuffer(string: $0) }) : self.path.flatMap(self.fields.kept), text.readableBytes > 0 else { throw .targetInvalid }
        guard text.readableBytes + self.methodBytes <= self.limits.startLineBytes else { throw .startLineTooLong }
        let target = try HTTPTarget(text, method: method)
        guard target.form != .absolute, method == .connect || self.isSchemeKnown else { throw .targetInvalid }
        let length = try self.contentLength()
        let framing: HTTPRequestFraming = length.map { .length($0) } ?? (isEnd || self.protocol != nil ? .none : .chunked)
        if method == .connect, framing != .none { throw .contentOnConnect }
        let head = HTTPRequestHead(
            method: method, target: target, fields: self.fields, framing: framing, expectsContinue: self.fields.firstString(.expect)?.lowercased() == "100-continue")
        guard self.fields.contains(.host) else { throw .hostMissing }
        guard head.host != nil else { throw .hostInvalid }
        return head
    }

    private func contentLength() throws(HTTPParseError) -> Int? {
        guard let value = self.fields.first(.contentLength) else { return nil }
        guard !value.isEmpty, value.count <= 18, value.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { throw .contentLengthInvalid }
        guard self.fields.count(of: .contentLength) == 1 else { throw .contentLengthRepeated }
        return value.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    /// The trailers; nil: there are none. Those that may not stand there are refused.
    public func trailers() throws(HTTPParseError) -> HTTPFields? {
        if let refusal { throw refusal }
        guard !self.fields.isEmpty else { return nil }
        guard self.fields.knownNames.isDisjoint(with: TrailerRules.forbidden) else { throw .trailerForbidden }
        return self.fields
    }
}
