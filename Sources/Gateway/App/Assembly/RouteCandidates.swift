import GatewayCore
import GatewayPatterns
import GatewayWire
import NIOCore
import Telemetry

/// Which routes of a configuration a recorded request fits, for `explain`: each is asked alone, by the router that serves requests.
///
/// The record has no credentials and few headers, so routes that look for others count as not fitting; server names of TLS are not recorded.
enum RouteCandidates {
    /// Most routes that are asked.
    static let limit = 2000

    /// `[{"id":…,"name":…,"chosen":true}]` as JSON; empty where the record is no request.
    static func json(_ record: JSONValue, _ snapshot: GatewaySnapshot) -> String {
        guard let request = record["request"], let path = request["uri"]?.stringValue else { return "[]" }
        let chosen = record["route"]?["id"]?.stringValue
        let host = request["headers"]?["host"]?.stringValue ?? ""
        let headers = RecordedHeaders(request["headers"])
        var found: [JSONValue] = []
        for route in snapshot.routes.prefix(self.limit) where route.identity.routeID == chosen || self.fits(route, request["method"]?.stringValue ?? "", host, path, headers) {
            found.append(
                .object([
                    .init(key: "id", value: .string(route.identity.routeID)), .init(key: "name", value: .string(route.identity.routeName)),
                    .init(key: "chosen", value: .bool(route.identity.routeID == chosen)),
                ]))
        }
        return String(buffer: JSONValue.array(found).encoded())
    }

    private static func fits(_ route: RouteRuntime, _ method: String, _ host: String, _ path: String, _ headers: RecordedHeaders) -> Bool {
        guard let router = try? Router(routes: [route.entity], services: [], patterns: PCRE2PatternCompiler()) else { return false }
        var (method, host, path) = (method, host, path)
        return method.withUTF8 { method in
            host.withUTF8 { host in
                path.withUTF8 { path in
                    let input = RouteInput(
                        method: UnsafeRawBufferPointer(method), host: UnsafeRawBufferPointer(host), path: UnsafeRawBufferPointer(path), isSecure: true, serverName: nil, port: 0)
                    return router.match(input, headers: headers) != nil
                }
            }
        }
    }
}

private struct RecordedHeaders: RouteHeaders {
    private var values: [String: [String]] = [:]

    init(_ headers: JSONValue?) {
        guard case .object(let members) = headers else { return }
        for member in members {
            switch member.value {
            case .string(let value): self.values[member.key] = [value]
            case .array(let values): self.values[member.key] = values.compactMap(\.stringValue)
            default: break
            }
        }
    }

    func hasValue(of name: UnsafeRawBufferPointer, where condition: (UnsafeRawBufferPointer) -> Bool) -> Bool {
        for var value in self.values[String(decoding: name, as: UTF8.self).lowercased()] ?? [] where value.withUTF8({ condition(UnsafeRawBufferPointer($0)) }) { return true }
        return false
    }
}
