import GatewayCore
import GatewayWire
import NIOCore

/// A configured text with places that each request fills: `$(headers.name)`, `$(query_params.name)`, `$(uri_captures.name)`; names may stand in brackets
/// (`$(headers["x-model"])`, `$(uri_captures[1])`).
///
/// Syntax: https://developer.konghq.com/plugins/ai-proxy/#templating.
struct RequestTemplate: Sendable {
    private enum Part: Sendable, Equatable {
        case literal(String)
        case header(String)
        case query(String)
        case capture(String)
    }

    /// How filled-in values are written.
    enum Use {
        /// As they are.
        case text
        /// As one piece of a URL: what could begin another part of it is percent-encoded, so that no client leads a request to another host or path.
        case url
    }

    private let parts: [Part]

    /// - Returns: nil when the text has no such place.
    init?(_ text: String) {
        var parts: [Part] = []
        var rest = Substring(text)
        var hasPlace = false
        while let open = rest.firstRange(of: "$(") {
            guard let close = rest[open.upperBound...].firstIndex(of: ")"), let place = RequestTemplate.place(rest[open.upperBound..<close]) else {
                parts.append(.literal(String(rest[..<open.upperBound])))
                rest = rest[open.upperBound...]
                continue
            }
            if open.lowerBound > rest.startIndex { parts.append(.literal(String(rest[..<open.lowerBound]))) }
            parts.append(place)
            hasPlace = true
            rest = rest[rest.index(after: close)...]
        }
        guard hasPlace else { return nil }
        if !rest.isEmpty { parts.append(.literal(String(rest))) }
        self.parts = parts
    }

    private static func place(_ text: Substring) -> Part? {
        let kinds: [(String, (String) -> Part)] = [("headers", Part.header), ("query_params", Part.query), ("uri_captures", Part.capture)]
        for (kind, make) in kinds where text.hasPrefix(kind) {
            let rest = text.dropFirst(kind.count)
            var name: Substring
            if rest.hasPrefix(".") {
                name = rest.dropFirst()
            } else if rest.hasPrefix("["), rest.hasSuffix("]") {
                name = rest.dropFirst().dropLast()
                if name.count >= 2, let quote = name.first, quote == "\"" || quote == "'", name.last == quote { name = name.dropFirst().dropLast() }
            } else {
                return nil
            }
            return name.isEmpty ? nil : make(String(name))
        }
        return nil
    }

    /// The text for one request.
    ///
    /// - Throws: 400 when the request lacks what a place names.
    func resolve(_ request: borrowing GatewayRequest, as use: Use) throws(RefusedRequest) -> String {
        var text = ""
        for part in self.parts {
            if case .literal(let literal) = part {
                text += literal
                continue
            }
            guard let value = RequestTemplate.value(part, request), !value.isEmpty else {
                throw RefusedRequest(400, "template_value_missing", "the request has no \(RequestTemplate.name(part)), which the model's configuration needs")
            }
            text += use == .text ? value : PercentEncoding.encoded(value)
        }
        return text
    }

    /// The text with every place filled by the same word, to check the rest of it.
    func sample(_ word: String) -> String {
        self.parts.map { part in if case .literal(let literal) = part { literal } else { word } }.joined()
    }

    private static func value(_ part: Part, _ request: borrowing GatewayRequest) -> String? {
        switch part {
        case .literal(let text): return text
        case .header(let name): return request.head.fields.firstString(name: name)
        case .query(let name):
            let values = request.head.target.query.map { FormFields(ByteBuffer($0)).values(name) }
            return values?.first.map { String(buffer: $0) }
        case .capture(let name):
            guard let captures = request.captures else { return nil }
            if let number = Int(name) { return captures.numbered.indices.contains(number - 1) ? captures.numbered[number - 1] : nil }
            return captures.named[name]
        }
    }

    private static func name(_ part: Part) -> String {
        switch part {
        case .literal: ""
        case .header(let name): "header \"\(name)\""
        case .query(let name): "query parameter \"\(name)\""
        case .capture(let name): "path capture \"\(name)\""
        }
    }
}
