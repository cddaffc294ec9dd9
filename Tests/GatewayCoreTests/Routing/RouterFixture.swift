import GatewayCore
import GatewayDocuments
import GatewayPatterns

/// Header fields of a test request.
struct FixtureHeaders: RouteHeaders {
    var fields: [(String, String)] = []

    func hasValue(of name: UnsafeRawBufferPointer, where condition: (UnsafeRawBufferPointer) -> Bool) -> Bool {
        let wanted = String(decoding: name, as: UTF8.self)
        return self.fields.contains { field in
            field.0.lowercased() == wanted && Array(field.1.utf8).withUnsafeBytes { condition($0) }
        }
    }
}

/// A router made of YAML, asked with strings.
struct RouterFixture {
    let routes: [RouteEntity]
    let router: Router

    /// `routes` is the text of a list of routes; plaintext is allowed unless a route says otherwise.
    init(_ routes: String, services: String = "[]") throws {
        var loader = LoaderFixture()
        loader.options.defaultRouteProtocols = [.http, .https]
        let configuration = try loader.loadBody("services: \(services)\nroutes:\n\(routes)").configuration
        self.routes = configuration.routes
        self.router = try Router(routes: configuration.routes, services: configuration.services, patterns: PCRE2PatternCompiler())
    }

    struct Request {
        var method = "GET"
        var host = ""
        var path = "/"
        var isSecure = false
        var serverName: String?
        var port = 80
        var headers: [(String, String)] = []
    }

    func match(_ request: Request) -> RouteMatch? {
        let method = Array(request.method.utf8), host = Array(request.host.utf8)
        let path = Array(PathNormalizer.normalized(request.path).utf8)
        let name = request.serverName.map { Array($0.utf8) }
        return method.withUnsafeBytes { method in
            host.withUnsafeBytes { host in
                path.withUnsafeBytes { path in
                    (name ?? []).withUnsafeBytes { serverName in
                        let input = RouteInput(
                            method: method, host: host, path: path, isSecure: request.isSecure, serverName: name == nil ? nil : serverName, port: request.port)
                        return self.router.match(input, headers: FixtureHeaders(fields: request.headers))
                    }
                }
            }
        }
    }

    /// The name of the route a request takes.
    func name(
        _ path: String = "/", method: String = "GET", host: String = "", isSecure: Bool = false, serverName: String? = nil, port: Int = 80,
        headers: [(String, String)] = []
    ) -> String? {
        let request = Request(method: method, host: host, path: path, isSecure: isSecure, serverName: serverName, port: port, headers: headers)
        return self.match(request).flatMap { self.routes[$0.routeIndex].name }
    }
}
