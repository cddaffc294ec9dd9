import GatewayCore
import GatewayWire
import NIOCore
import Telemetry

/// One URL of a client's request, fetched under the rules of `_pellucid.media`: scheme, address after resolution, redirects, size, time and type of content.
///
/// The URL is the client's and may be secret: of it the span shows no more than the host.
struct MediaFetcher: OutsideService {
    static let callName: StaticString = "media fetch"
    private let http: HTTPService
    let settings: MediaSettings
    private static let maximumRedirects = 3

    struct Query: Sendable {
        let reference: MediaReference
        let maximumBytes: Int
        /// ``MonotonicClock`` nanoseconds.
        let deadline: UInt64
    }

    struct Answer: Sendable {
        let mediaType: String
        let bytes: ByteBuffer
    }

    init(http: HTTPService, settings: MediaSettings) {
        self.http = http
        self.settings = settings
    }

    /// - Throws: `media_…` with what is wrong, for the client; never with the URL.
    func ask(_ query: Query, _ permit: inout CallPermit) async throws(PluginFailure) -> Answer {
        var url = query.reference.url
        for _ in 0...Self.maximumRedirects {
            try self.check(url)
            let answer = try await self.get(url, query, &permit)
            switch answer.status {
            case 200: return Answer(mediaType: try Self.mediaType(answer, query.reference.kind), bytes: answer.body)
            case 301, 302, 303, 307, 308:
                guard let location = answer.header("location"), let next = Self.resolve(location, against: url) else {
                    throw PluginFailure("media_redirect", message: "was redirected to no URL")
                }
                url = next
            default: throw PluginFailure("media_status", message: "was answered with status \(answer.status)")
            }
        }
        throw PluginFailure("media_redirect", message: "was redirected more than \(Self.maximumRedirects) times")
    }

    private func check(_ url: String) throws(PluginFailure) {
        let text = url.lowercased()
        guard text.hasPrefix("https://") || (self.settings.allowsHTTP && text.hasPrefix("http://")) else {
            throw PluginFailure("media_scheme", message: self.settings.allowsHTTP ? "is no http or https URL" : "is no https URL")
        }
        let authority = url.drop { $0 != "/" }.dropFirst(2).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        guard !authority.isEmpty, !authority.contains("@"), !authority.contains("\\") else { throw PluginFailure("media_url", message: "is no URL of a host without credentials") }
    }

    private func get(_ url: String, _ query: Query, _ permit: inout CallPermit) async throws(PluginFailure) -> HTTPAnswer {
        let now = MonotonicClock.now()
        guard now < query.deadline else { throw PluginFailure("media_timeout", message: "took too long") }
        let left = max(1, Int((query.deadline - now) / 1_000_000))
        var call = HTTPCall(
            method: "GET", url: url, headers: [(name: "Accept", value: "*/*"), (name: "User-Agent", value: "pellucid")], connectTimeoutMilliseconds: left, totalTimeoutMilliseconds: left,
            maximumResponseBytes: query.maximumBytes)
        let settings = self.settings
        call.admits = { settings.admits($0) }
        do throws(HTTPCallFailure) { return try await self.http.send(call, &permit) } catch {
            switch error.code {
            case .addressRefused: throw PluginFailure("media_address", message: "is at an address that is not fetched from")
            case .responseTooLarge: throw PluginFailure("media_too_large", message: "is larger than what may be fetched for a request, \(self.settings.maximumBytes) bytes")
            case .timeout, .connectTimeout: throw PluginFailure("media_timeout", message: "took too long")
            default: throw PluginFailure(error.code.name, message: "could not be fetched: \(error.code.name)")
            }
        }
    }

    /// The answer's type, where it is one that such media have.
    private static func mediaType(_ answer: HTTPAnswer, _ kind: ChatMedia.Kind) throws(PluginFailure) -> String {
        let field = answer.header("content-type") ?? ""
        let type = field.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }.lowercased()
        let fits =
            switch kind {
            // Text that browsers draw is no image to a model.
            case .image: type.hasPrefix("image/") && !type.hasPrefix("image/svg")
            case .audio: type.hasPrefix("audio/")
            case .video: type.hasPrefix("video/")
            case .document: type == "application/pdf" || (type.hasPrefix("text/") && type != "text/html") || type.hasPrefix("application/vnd.") || type == "application/msword"
            }
        guard fits, type.utf8.count <= 128, !answer.body.readableBytesView.isEmpty else {
            throw PluginFailure("media_type", message: "is no content of the kind that the field is for")
        }
        return type
    }

    /// A redirect's target (RFC 3986 section 5.2, as far as servers write references).
    static func resolve(_ location: String, against base: String) -> String? {
        let reference = location.prefix { $0 != "#" }
        guard !reference.isEmpty, reference.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
        if reference.lowercased().hasPrefix("http://") || reference.lowercased().hasPrefix("https://") { return String(reference) }
        let parts = base.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count >= 3 else { return nil }
        let host = parts[2].prefix { $0 != "?" && $0 != "#" }
        if reference.hasPrefix("//") { return "\(parts[0])\(reference)" }
        if reference.hasPrefix("/") { return "\(parts[0])//\(host)\(reference)" }
        // Another scheme.
        if reference.prefix(while: { $0 != "/" && $0 != "?" }).contains(":") { return nil }
        let path = parts.count > 3 ? parts[3].prefix { $0 != "?" && $0 != "#" } : ""
        let folder = path.lastIndex(of: "/").map { path[...$0] } ?? ""
        return "\(parts[0])//\(host)/\(folder)\(reference)"
    }
}
