import GatewayCore
import GatewayWire
import NIOCore

/// The copy of a request that `request-termination` answers with (`echo`), for finding out what reaches the gateway.
///
/// An object with `message`, `request` (`scheme`, `host`, `port`, `method`, `path`, `headers`, `query`, `uri_captures`, `raw_body`, and `body` where that is JSON or a
/// form), `matched_route` and `matched_service`. Members as of Kong's plugin: https://developer.konghq.com/plugins/request-termination/
enum RequestEcho {
    /// Most bytes of a body that are shown: a longer one is left out, as Kong leaves out what its server did not keep in memory.
    static let maximumBodyBytes = 1 << 20

    /// - Parameter body: nil when it was longer than ``maximumBodyBytes``.
    static func encode(_ request: borrowing GatewayRequest, message: String?, body: ByteBuffer?) -> ByteBuffer {
        var json = JSONWriter()
        json.beginObject()
        if let message {
            json.key("message")
            json.string(message)
        }
        json.key("request")
        self.write(request, body, &json)
        json.key("matched_route")
        self.write(request.route.entity, &json)
        if let service = request.route.service?.entity {
            json.key("matched_service")
            self.write(service, &json)
        }
        json.endObject()
        return json.buffer
    }

    private static func write(_ request: borrowing GatewayRequest, _ body: ByteBuffer?, _ json: inout JSONWriter) {
        let head = request.head
        json.beginObject()
        json.key("scheme")
        json.string(request.connection.scheme)
        json.key("host")
        json.string(head.host ?? ByteBufferView())
        json.key("port")
        json.number(request.connection.localPort)
        json.key("method")
        json.string(head.method.name)
        json.key("path")
        json.string(head.target.path)
        json.key("headers")
        self.write(groups: head.fields.map { (String(decoding: $0.name, as: UTF8.self).lowercased(), ByteBuffer($0.value)) }, &json)
        json.key("query")
        self.write(groups: head.target.query.map { FormFields(ByteBuffer($0)).all } ?? [], &json)
        if let captures = request.captures {
            json.key("uri_captures")
            json.beginObject()
            for (index, value) in captures.numbered.enumerated() {
                guard let value else { continue }
                json.key("\(index + 1)")
                json.string(value)
            }
            for (name, value) in captures.named.sorted(by: { $0.key < $1.key }) {
                json.key(name)
                json.string(value)
            }
            json.endObject()
        }
        if let body {
            json.key("raw_body")
            json.string(body)
            self.write(parsed: body, type: head.fields.firstString(name: "content-type")?.lowercased() ?? "", &json)
        }
        json.endObject()
    }

    /// `body`, where the content type says how it is to be read and it is that.
    private static func write(parsed body: ByteBuffer, type: String, _ json: inout JSONWriter) {
        if type.hasPrefix("application/json") {
            do {
                let document = try JSONDocument(body)
                json.key("body")
                json.raw(document.bytes)
            } catch {
                // No JSON whatever its type says: `raw_body` shows what it is.
            }
        } else if type.hasPrefix("application/x-www-form-urlencoded") {
            json.key("body")
            self.write(groups: FormFields(body).all, &json)
        }
    }

    /// An object of texts, of lists of them where a name comes more than once.
    private static func write(groups pairs: [(name: String, value: ByteBuffer)], _ json: inout JSONWriter) {
        var values: [String: [ByteBuffer]] = [:]
        var names: [String] = []
        for (name, value) in pairs {
            if values[name] == nil { names.append(name) }
            values[name, default: []].append(value)
        }
        json.beginObject()
        for name in names {
            let group = values[name] ?? []
            json.key(name)
            if group.count == 1 {
                json.string(group[0])
            } else {
                json.beginArray()
                for value in group { json.string(value) }
                json.endArray()
            }
        }
        json.endObject()
    }

    private static func write(_ route: RouteEntity, _ json: inout JSONWriter) {
        json.beginObject()
        json.key("id")
        json.string(route.metadata.id)
        if let name = route.name {
            json.key("name")
            json.string(name)
        }
        for (key, values) in [("paths", route.paths), ("hosts", route.hosts), ("methods", route.methods)] where !values.isEmpty {
            json.key(key)
            json.beginArray()
            for value in values { json.string(value) }
            json.endArray()
        }
        json.endObject()
    }

    private static func write(_ service: ServiceEntity, _ json: inout JSONWriter) {
        json.beginObject()
        for (key, value) in [("id", service.metadata.id), ("name", service.name), ("protocol", service.protocol.rawValue), ("host", service.host), ("path", service.path)] {
            guard let value else { continue }
            json.key(key)
            json.string(value)
        }
        json.key("port")
        json.number(service.port)
        json.endObject()
    }
}
