import GatewayCore
import GatewayTestSupport
import NIOCore
import TelemetryTestSupport
import Testing

@Suite struct AzureContentSafetyTests {
    private static let service = "https://acs.test/contentsafety/text:analyze"

    private func fixture(_ more: String = "") throws(ConfigurationError) -> GuardFixture {
        try GuardFixture(
            "{name: ai-azure-content-safety, config: {content_safety_url: \"https://acs.test\", content_safety_key: az-secret, categories: [{name: Hate, rejection_level: 2}, {name: Violence, rejection_level: 4}]\(more.isEmpty ? "" : ", " + more)}}")
    }

    private static func analysis(hate: Int, violence: Int, more: String = "") -> String {
        #"{"blocklistsMatch":[],"categoriesAnalysis":[{"category":"Hate","severity":\#(hate)},{"category":"Violence","severity":\#(violence)}]\#(more)}"#
    }

    @Test func `a prompt below the thresholds passes`() async throws {
        let fixture = try self.fixture("output_type: EightSeverityLevels, azure_api_version: \"2024-09-01\"")
        fixture.engine.http.on(Self.service, json: Self.analysis(hate: 1, violence: 3))
        let (client, record) = try await fixture.post(GuardFixture.chat([("system", "s"), ("user", "hi")]))
        #expect(client.status == 200)
        let call = try #require(fixture.engine.http.calls.first)
        #expect(call.url == "https://acs.test/contentsafety/text:analyze?api-version=2024-09-01")
        #expect(call.header("ocp-apim-subscription-key") == "az-secret")
        #expect(call.text == #"{"text":"s\nhi","categories":["Hate","Violence"],"outputType":"EightSeverityLevels"}"#)
        let fields = GuardFixture.fields(record, "ai-azure-content-safety request")
        #expect(fields["pellucid.guard.azure_content_safety_url"] == "https://acs.test")
        #expect(fields["pellucid.guard.azure_api_version"] == "2024-09-01")
    }

    @Test(arguments: [(true, "request failed content safety check: breached category [Hate] at level 2; breached category [Violence] at level 4"), (false, "request failed content safety check")])
    func `breached categories are named, to the client only when asked for`(reveals: Bool, message: String) async throws {
        let fixture = try self.fixture("reveal_failure_reason: \(reveals)")
        fixture.engine.http.on(Self.service, json: Self.analysis(hate: 2, violence: 6))
        let (client, record) = try await fixture.say("I hate you")
        #expect(client.status == 400)
        #expect(GuardFixture.message(of: client) == message)
        let fields = GuardFixture.fields(record, "ai-azure-content-safety request")
        #expect(fields["pellucid.guard.input_block_reason"] == "breached category [Hate] at level 2; breached category [Violence] at level 4")
        #expect(fields["pellucid.guard.hate"] == "2")
        #expect(fields["pellucid.guard.violence"] == "4")
        #expect(fields["pellucid.guard.sexual"] == nil)
    }

    @Test func `blocklists are asked for and their hits refuse`() async throws {
        let fixture = try self.fixture("blocklist_names: [words], halt_on_blocklist_hit: false")
        fixture.engine.http.on(Self.service, json: #"{"blocklistsMatch":[{"blocklistName":"words","blocklistItemId":"1","blocklistItemText":"badword"}]}"#)
        let (client, record) = try await fixture.say("a badword here")
        #expect(client.status == 400)
        #expect(try #require(fixture.engine.http.calls.first).text.contains(#""blocklistNames":["words"],"haltOnBlocklistHit":false"#))
        #expect(GuardFixture.message(of: client) == "request failed content safety check: breached blocklist [words]")
        #expect(!"\(record)".contains("badword"))
    }

    @Test func `a long text is judged in pieces, and one of them is enough`() async throws {
        let fixture = try self.fixture()
        fixture.engine.http.on(Self.service) { call in
            .success(HTTPAnswer(status: 200, body: ByteBuffer(string: Self.analysis(hate: call.text.contains("END") ? 4 : 0, violence: 0))))
        }
        let (client, _) = try await fixture.say(String(repeating: "\u{e4}", count: 25_000) + "END")
        #expect(client.status == 400)
        #expect(fixture.engine.http.calls.count == 3)
        for call in fixture.engine.http.calls { #expect(call.text.unicodeScalars.count <= 10_000 + 200) }
    }

    @Test func `an answer without an analysis is a failure`() async throws {
        let fixture = try self.fixture()
        fixture.engine.http.on(Self.service, json: "{}")
        let (client, record) = try await fixture.say("hi")
        #expect(client.status == 500)
        #expect(record.errorType == "guard_answer")
    }

    @Test func `answers are judged, with their own words`() async throws {
        let fixture = try self.fixture("guarding_mode: OUTPUT")
        fixture.engine.http.on(Self.service, json: Self.analysis(hate: 6, violence: 0))
        let (client, _) = try await fixture.say("hi")
        #expect(GuardFixture.message(of: client) == "response failed content safety check: breached category [Hate] at level 2")
    }

    @Test(arguments: [
        ("https://a.test", "https://a.test/contentsafety/text:analyze"), ("https://a.test/", "https://a.test/contentsafety/text:analyze"),
        ("https://a.test/contentsafety/text:analyze", "https://a.test/contentsafety/text:analyze"), ("https://a.test/proxy/path/", "https://a.test/proxy/path"),
    ])
    func `a URL without a path gets the operation's`(url: String, expected: String) async throws {
        let fixture = try GuardFixture("{name: ai-azure-content-safety, config: {content_safety_url: \"\(url)\"}}")
        fixture.engine.http.on("https://a.test", json: Self.analysis(hate: 0, violence: 0))
        _ = try await fixture.say("hi")
        #expect(fixture.engine.http.calls.first?.url == expected + "?api-version=2023-10-01")
    }
}
