import NIOCore
import NIOEmbedded
import NIOHTTP1

/// The reading of SwiftNIO's NIOHTTP1, that is of llhttp.
enum HTTPOracle {
    static func requests(_ bytes: [UInt8]) -> HTTPTranscript {
        let channel = EmbeddedChannel(handler: ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
        var result = HTTPTranscript()
        do { try channel.writeInbound(ByteBuffer(bytes: bytes)) } catch { result.error = "\(error)" }
        while let part = try? channel.readInbound(as: HTTPServerRequestPart.self) {
            switch part {
            case .head(let head):
                result.messages.append(.init(start: [head.method.rawValue, bytesText(head.uri), "HTTP/\(head.version.major).\(head.version.minor)"]))
                result.messages[result.messages.count - 1].fields = pairs(head.headers)
            case .body(let body): result.messages[result.messages.count - 1].body += Array(body.readableBytesView)
            case .end(let trailers): end(&result, trailers)
            }
        }
        _ = try? channel.finish(acceptAlreadyClosed: true)
        return result
    }

    static func responses(_ bytes: [UInt8], to method: HTTPMethod, count: Int = 8) -> HTTPTranscript {
        let channel = EmbeddedChannel()
        var result = HTTPTranscript()
        do {
            let decoder = ByteToMessageHandler(HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes, informationalResponseStrategy: .forward))
            try channel.pipeline.syncOperations.addHandlers(HTTPRequestEncoder(), decoder)
            for _ in 0..<count {
                // The decoder watches the requests that go out to know what each response answers; it stands behind the encoder to see them unencoded.
                try channel.writeOutbound(HTTPClientRequestPart.head(.init(version: .http1_1, method: method, uri: "/")))
            }
            try channel.writeInbound(ByteBuffer(bytes: bytes))
            _ = try channel.finish(acceptAlreadyClosed: true)
        } catch { result.error = "\(error)" }
        while let part = try? channel.readInbound(as: HTTPClientResponsePart.self) {
            switch part {
            case .head(let head):
                result.messages.append(
                    .init(start: [String(head.status.code), "HTTP/\(head.version.major).\(head.version.minor)"]))
                result.messages[result.messages.count - 1].fields = pairs(head.headers)
            case .body(let body): result.messages[result.messages.count - 1].body += Array(body.readableBytesView)
            case .end(let trailers): end(&result, trailers)
            }
        }
        return result
    }

    private static func end(_ result: inout HTTPTranscript, _ trailers: HTTPHeaders?) {
        result.messages[result.messages.count - 1].isComplete = true
        result.messages[result.messages.count - 1].trailers = trailers.map(pairs) ?? []
    }

    private static func pairs(_ headers: HTTPHeaders) -> [[String]] {
        headers.map { [bytesText($0.name), bytesText($0.value)] }
    }

    /// The oracle makes strings; their UTF-8 is compared, blanks at the ends dropped.
    private static func bytesText(_ string: String) -> String {
        var bytes = Array(string.utf8)[...]
        while let last = bytes.last, last == 0x20 || last == 0x09 { bytes.removeLast() }
        while let first = bytes.first, first == 0x20 || first == 0x09 { bytes.removeFirst() }
        return HTTPTranscript.text(bytes)
    }
}
