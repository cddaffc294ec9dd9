import GatewayCore
import GatewayProviders
import GatewayTestSupport
import GatewayWire
import NIOCore
import Telemetry
import TelemetryTestSupport
import Testing

@testable import GatewayPlugins

/// Media that clients name by URL, for providers that want the content.
@Suite struct MediaTests {
    private static let providers = [
        "gemini": "{provider: gemini, name: m, options: {upstream_url: \"http://p.test/x\"}}", "ollama": "{provider: ollama, name: m, options: {upstream_url: \"http://p.test/api/chat\"}}",
        "bedrock": "{provider: bedrock, name: m, options: {upstream_url: \"http://p.test/x\", bedrock: {aws_region: eu-west-1}}}",
        "openai": "{provider: openai, name: m, options: {upstream_url: \"http://p.test/x\"}}",
        "anthropic": "{provider: anthropic, name: m, options: {upstream_url: \"http://p.test/x\", anthropic_version: \"2023-06-01\"}}",
    ]

    private static func body(_ urls: [String]) -> String {
        let parts = urls.map { #"{"type":"image_url","image_url":{"url":"\#($0)"}}"# }
        return #"{"messages":[{"role":"user","content":[{"type":"text","text":"What?"},\#(parts.joined(separator: ","))]}]}"#
    }

    private func send(
        _ urls: [String], provider: String = "gemini", media: String = "{}", _ answers: [String: Result<HTTPAnswer, HTTPCallFailure>] = [:]
    ) async throws -> (client: FakeExchange, sent: String?, calls: [HTTPCall], record: RecordedRequest) {
        let engine = try EngineFixture(
            """
            routes: [{name: r, paths: [/x], plugins: [{name: ai-proxy, _pellucid: {media: \(media)}, config: {route_type: llm/v1/chat, model: \(Self.providers[provider] ?? ""), auth: {header_name: k, header_value: v}}}]}]
            """, plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory)
        for (url, answer) in answers { engine.http.on(url) { _ in answer } }
        let exchange = try FakeExchange("POST", "/x", headers: [("Host", "g"), ("Content-Type", "application/json")], body: [.bytes(Self.body(urls))])
        let record = try await engine.serve(exchange, [.answer(FakeAnswer(headers: [("Content-Type", "application/json")], body: [.bytes("{}")]))])
        return (exchange, engine.upstream.sent.first?.body, engine.http.calls, record)
    }

    private static func image(_ type: String = "image/png", _ bytes: String = "PNG!") -> Result<HTTPAnswer, HTTPCallFailure> {
        .success(HTTPAnswer(status: 200, headers: [(name: "content-type", value: type)], body: ByteBuffer(string: bytes)))
    }

    private static func redirect(_ location: String) -> Result<HTTPAnswer, HTTPCallFailure> { .success(HTTPAnswer(status: 302, headers: [(name: "location", value: location)])) }

    @Test(arguments: [("gemini", #""mimeType":"image/webp","data":"UE5HIQ==""#), ("ollama", #""images":["UE5HIQ=="]"#), ("bedrock", #""image":{"format":"webp","source":{"bytes":"UE5HIQ=="}}"#)])
    func `an image goes inline to a provider that fetches none`(provider: String, expected: String) async throws {
        let (_, sent, calls, record) = try await self.send(["https://h.test/a?token=secret"], provider: provider, ["https://h.test/": Self.image("Image/WebP; q=1")])
        #expect(sent?.contains(expected) == true, "\(sent ?? "nothing")")
        #expect(calls.count == 1 && calls[0].method == "GET" && calls[0].proxy == nil && calls[0].admits != nil)
        let span = record.scopes.first { $0.fields["server.address"] == "h.test" }
        #expect(span?.fields["http.response.status_code"] == "200")
        #expect(!record.scopes.contains { $0.fields.values.contains { $0.contains("secret") } })
    }

    @Test(arguments: ["openai", "anthropic"])
    func `providers that fetch URLs themselves get them`(provider: String) async throws {
        let (_, sent, calls, _) = try await self.send(["https://h.test/a"], provider: provider)
        #expect(sent?.contains("https://h.test/a") == true && calls.isEmpty)
    }

    @Test func `a data URL and a file of the provider's own are not fetched`() async throws {
        let (_, sent, calls, _) = try await self.send(["data:image/png;base64,UE5HIQ==", "https://generativelanguage.googleapis.com/v1beta/files/f", "gs://b/o"])
        #expect(sent?.contains("UE5HIQ==") == true && calls.isEmpty)
    }

    @Test func `redirects are followed, each by the same rules`() async throws {
        let answers = ["https://h.test/a": Self.redirect("/b?x=1"), "https://h.test/b": Self.redirect("//i.test/c"), "https://i.test/c": Self.image()]
        let (_, sent, calls, _) = try await self.send(["https://h.test/a"], answers)
        #expect(sent?.contains("UE5HIQ==") == true)
        #expect(calls.map(\.url) == ["https://h.test/a", "https://h.test/b?x=1", "https://i.test/c"])
        #expect(calls.allSatisfy { $0.admits != nil })
    }

    static let refusals: [(String, Result<HTTPAnswer, HTTPCallFailure>, String)] = [
        ("http://h.test/a", Self.image(), "is no https URL"), ("https://u:p@h.test/a", Self.image(), "without credentials"), ("https:///a", Self.image(), "without credentials"),
        ("https://h.test/a", Self.image("text/html"), "no content of the kind"), ("https://h.test/a", Self.image("image/svg+xml"), "no content of the kind"),
        ("https://h.test/a", Self.image("image/png", ""), "no content of the kind"), ("https://h.test/a", .success(HTTPAnswer(status: 404)), "status 404"),
        ("https://h.test/a", Self.redirect("http://127.0.0.1/"), "is no https URL"), ("https://h.test/a", Self.redirect("https://h.test/a"), "more than 3 times"),
        ("https://h.test/a", Self.redirect("ftp:x"), "redirected to no URL"), ("https://h.test/a", .failure(HTTPCallFailure(.addressRefused)), "is at an address that is not fetched from"),
        ("https://h.test/a", .failure(HTTPCallFailure(.responseTooLarge)), "is larger than"), ("https://h.test/a", .failure(HTTPCallFailure(.timeout)), "took too long"),
        ("https://h.test/a", .failure(HTTPCallFailure(.resolveFailed)), "could not be fetched: resolve_failed"),
    ]

    @Test(arguments: refusals.indices)
    func `what may not be fetched is refused by the name of its field`(index: Int) async throws {
        let (url, answer, message) = Self.refusals[index]
        let (client, sent, _, _) = try await self.send([url], ["http": answer])
        #expect(client.status == 400 && sent == nil)
        #expect(client.body.contains(message) && client.body.contains("messages[].content[].image_url"), "\(client.body)")
        #expect(!client.body.contains("h.test"))
    }

    @Test func `size, number and switch are configured`() async throws {
        let many = try await self.send(["https://h.test/1", "https://h.test/2"], media: "{maximum_count: 1}", ["https://h.test/": Self.image()])
        #expect(many.client.status == 400 && many.calls.isEmpty && many.client.body.contains("at most 1"))
        let same = try await self.send(["https://h.test/1", "https://h.test/1"], media: "{maximum_count: 1, maximum_bytes: 10}", ["https://h.test/": Self.image()])
        #expect(same.calls.count == 1 && same.calls[0].maximumResponseBytes == 10)
        let both = try await self.send(["https://h.test/1", "https://h.test/2"], media: "{maximum_bytes: 10}", ["https://h.test/": Self.image()])
        #expect(both.calls.map(\.maximumResponseBytes) == [10, 6])
        let plain = try await self.send(["http://h.test/1"], media: "{allow_http: true}", ["http://h.test/": Self.image()])
        #expect(plain.sent?.contains("UE5HIQ==") == true)
        let off = try await self.send(["https://h.test/1"], provider: "ollama", media: "{fetch: false}")
        #expect(off.client.status == 400 && off.calls.isEmpty)
    }

    @Test(arguments: [
        "127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "168.63.129.16", "::1", "::", "fe80::1", "fd00::1",
        "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2001:0:1::", "2001:db8::1", "ff02::1",
    ])
    func `no address but public ones`(address: String) throws {
        #expect(!PublicAddresses.contains(try #require(IPAddress(address))))
    }

    @Test(arguments: ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8"])
    func `public ones`(address: String) throws {
        #expect(PublicAddresses.contains(try #require(IPAddress(address))))
    }

    @Test func `networks can be allowed`() throws {
        let settings = try MediaSettings.decode(document: DocumentNode(.mapping([])))
        #expect(!settings.admits(try #require(IPAddress("10.0.0.1"))))
        #expect(throws: ConfigurationError.self) { try EngineFixture(
            "routes: [{name: r, paths: [/x], plugins: [{name: ai-proxy, _pellucid: {media: {allowed_networks: [ten]}}, config: {route_type: llm/v1/chat, model: \(Self.providers["gemini"] ?? ""), auth: {header_name: k, header_value: v}}}]}]",
            plugins: PluginCatalog.plugins, providers: ProviderCatalog.directory) }
    }

    @Test(arguments: [
        ("https://b.test/x", "https://b.test/x"), ("//b.test/x", "https://b.test/x"), ("/x?y#z", "https://a.test/x?y"), ("x", "https://a.test/d/x"), ("?q", "https://a.test/d/?q"),
    ])
    func `references of redirects`(location: String, expected: String) {
        #expect(MediaFetcher.resolve(location, against: "https://a.test/d/e?f") == expected)
    }
}
