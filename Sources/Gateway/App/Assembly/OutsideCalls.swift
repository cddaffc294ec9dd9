import GatewayCore
import GatewayWire
import NIOCore
import SideClient

/// Calls of stages to outside services, over a side client that only they use: a collector that is slow to take traces must not delay a guard.
struct OutsideCalls: HTTPCaller {
    private let client: SideClient
    /// PEM file of the authorities trusted besides the system's.
    private let authorityFile: String?

    /// Bounds of the client: a call that finds as many waiting fails at once instead of piling up behind a service that hangs.
    static let clientOptions = SideClientOptions(maximumTransfers: 512, maximumWaiting: 4096, maximumConnections: 256)

    init(client: SideClient, environment: [String: String]) {
        self.client = client
        let path = environment["KONG_LUA_SSL_TRUSTED_CERTIFICATE"] ?? ""
        self.authorityFile = path.isEmpty || path == "system" ? nil : path
    }

    func exchange(_ call: HTTPCall) async throws(HTTPCallFailure) -> HTTPAnswer {
        let tls = SideTLSOptions(
            authorityFile: call.tls.authorityFile ?? self.authorityFile, certificateFile: call.tls.certificateFile, keyFile: call.tls.keyFile,
            verifiesPeer: call.tls.verifiesPeer)
        var request = SideRequest(
            method: call.method, url: call.url, headers: call.headers, body: Array(call.body.readableBytesView), connectTimeoutMilliseconds: call.connectTimeoutMilliseconds,
            totalTimeoutMilliseconds: call.totalTimeoutMilliseconds, maximumResponseBytes: call.maximumResponseBytes, tls: tls,
            proxy: call.proxy.map(OutsideCalls.url) ?? "")
        if let admits = call.admits { request.addressRule = SideAddressRule { text in IPAddress(text).map(admits) ?? false } }
        switch await self.client.send(request) {
        case .success(let response): return HTTPAnswer(status: response.status, headers: response.headers, body: ByteBuffer(bytes: response.body))
        case .failure(let failure): throw HTTPCallFailure(OutsideCalls.code(failure.code), wasSent: failure.wasSent)
        }
    }

    /// The proxy as libcurl takes it, credentials included (https://curl.se/libcurl/c/CURLOPT_PROXY.html).
    static func url(_ proxy: HTTPCallProxy) -> String {
        var credentials = ""
        if let username = proxy.username {
            credentials = PercentEncoding.encoded(username) + (proxy.password.map { ":" + PercentEncoding.encoded($0) } ?? "") + "@"
        }
        let host = proxy.host.contains(":") && !proxy.host.hasPrefix("[") ? "[\(proxy.host)]" : proxy.host
        return "\(proxy.scheme)://\(credentials)\(host):\(proxy.port)"
    }

    private static func code(_ code: SideFailure.Code) -> HTTPCallFailure.Code {
        switch code {
        case .invalidRequest: .invalidRequest
        case .resolveFailed: .resolveFailed
        case .connectFailed: .connectFailed
        case .connectTimeout: .connectTimeout
        case .tlsFailed: .tlsFailed
        case .timeout: .timeout
        case .sendFailed: .sendFailed
        case .receiveFailed: .receiveFailed
        case .responseTooLarge: .responseTooLarge
        case .protocolError: .protocolError
        case .queueFull: .queueFull
        case .cancelled: .cancelled
        case .shutDown: .shutDown
        case .addressRefused: .addressRefused
        case .other: .other
        }
    }
}

/// Where nothing is served, as when a configuration is only checked, nobody calls.
struct NoOutsideCalls: HTTPCaller {
    func exchange(_ call: HTTPCall) async throws(HTTPCallFailure) -> HTTPAnswer { throw HTTPCallFailure(.shutDown) }
}
