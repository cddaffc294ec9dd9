package import GatewayWire
import NIOCore

/// What a parser made of some bytes, in a form that two parsers can be compared in.
package struct HTTPTranscript: Equatable, Sendable {
    package struct Message: Equatable, Sendable {
        package var start: [String]
        package var fields: [[String]] = []
        package var body: [UInt8] = []
        package var trailers: [[String]] = []
        package var isComplete = false
        /// The rest of the connection is not HTTP, or is not read.
        package var isLast = false
        /// A 1xx head, which has no end.
        package var isInformational = false
        /// The oracle does not know such methods.
        package var hasOtherMethod = false
    }

    package var messages: [Message] = []
    package var error: String?

    package init() {}

    /// Text that keeps bytes apart: one scalar a byte.
    package static func text(_ bytes: some Sequence<UInt8>) -> String {
        String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }

    package static func pairs(_ fields: HTTPFields) -> [[String]] {
        fields.map { [text($0.name), text($0.value)] }
    }

    /// Our reading of requests that arrive in pieces.
    package static func requests(_ pieces: [ArraySlice<UInt8>], limits: HTTPLimits = HTTPLimits()) -> HTTPTranscript {
        var result = HTTPTranscript(), parser = HTTPRequestParser(limits: limits), input = ByteBuffer()
        for piece in pieces {
            input.writeBytes(piece)
            do {
                while let event = try parser.next(&input) { result.add(event) }
            } catch {
                result.error = "\(error.code)"
                return result
            }
        }
        return result
    }

    /// Our reading of the responses to as many requests of one method, then of the connection's end.
    package static func responses(_ pieces: [ArraySlice<UInt8>], to method: HTTPMethod, count: Int = 8) -> HTTPTranscript {
        var result = HTTPTranscript(), parser = HTTPResponseParser(), input = ByteBuffer(), left = count
        for piece in pieces {
            input.writeBytes(piece)
            do {
                while true {
                    if parser.isIdle {
                        guard left > 0, result.messages.last?.isLast != true else { return result }
                        parser.expect(method)
                        left -= 1
                    }
                    guard let event = try parser.next(&input) else { break }
                    result.add(event)
                }
            } catch {
                result.error = "\(error.code)"
                return result
            }
        }
        if parser.finish() == .complete, let last = result.messages.indices.last { result.messages[last].isComplete = true }
        return result
    }

    private mutating func add(_ event: HTTPRequestEvent) {
        switch event {
        case .head(let head):
            var message = Message(start: [head.method.name, Self.text(head.target.bytes.readableBytesView), "\(head.version.name)"])
            message.fields = Self.pairs(head.fields)
            // An upgrade of HTTP/1.0 is ignored (RFC 9110 section 7.8), but the oracle stops reading there too.
            let stopsOracle = head.upgradeRequested || head.version == .http10 && head.fields.contains(.upgrade)
            message.isLast = head.method == .connect || stopsOracle || !head.keepAlive
            if case .other = head.method { message.hasOtherMethod = true }
            messages.append(message)
        case .body(let bytes): messages[messages.count - 1].body += Array(bytes.readableBytesView)
        case .end(let trailers): end(trailers)
        }
    }

    private mutating func add(_ event: HTTPResponseEvent) {
        switch event {
        case .informational(let head), .head(let head):
            var message = Message(start: [String(head.status), "\(head.version.name)"])
            message.fields = Self.pairs(head.fields)
            message.isLast = !head.keepAlive || head.status == 101
            message.isInformational = head.isInformational && head.status != 101
            messages.append(message)
        case .body(let bytes): messages[messages.count - 1].body += Array(bytes.readableBytesView)
        case .end(let trailers): end(trailers)
        }
    }

    private mutating func end(_ trailers: HTTPFields?) {
        messages[messages.count - 1].isComplete = true
        messages[messages.count - 1].trailers = trailers.map(Self.pairs) ?? []
    }
}
