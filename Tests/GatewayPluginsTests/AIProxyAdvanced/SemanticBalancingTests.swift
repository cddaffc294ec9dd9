import Foundation
import GatewayCore
import GatewayPlugins
import GatewayTestSupport
import NIOCore
import Telemetry
import TelemetryTestSupport
import Testing

@Suite struct SemanticBalancingTests {
    private typealias Fixture = AdvancedFixture

    private static func target(_ name: String, _ description: String, weight: Int = 100) -> String {
        "{route_type: llm/v1/chat, weight: \(weight), description: \"\(description)\", model: {provider: openai, name: \(name), options: {upstream_url: \"http://\(name).test/v1\"}}}"
    }

    private static func more(threshold: String = "threshold: 0.5", metric: String = "cosine") -> String {
        """
        embeddings: {auth: {header_name: Authorization, header_value: Bearer sk-embed}, model: {provider: openai, name: text-embedding-3-small, \
        options: {upstream_url: "http://embed.test/v1/embeddings"}}}, \
        vectordb: {strategy: redis, dimensions: 3, distance_metric: \(metric)\(threshold.isEmpty ? "" : ", \(threshold)")}
        """
    }

    /// A model whose vectors lie along an axis for each subject.
    private static func embed(_ engine: EngineFixture) {
        engine.http.on("http://embed.test/") { call in
            guard let object = try? JSONSerialization.jsonObject(with: Data(call.text.utf8)) as? [String: Any], let inputs = object["input"] as? [String] else {
                return .success(HTTPAnswer(status: 400))
            }
            let data = inputs.enumerated().map { index, text in
                let vector = text.contains("code") ? "[1,0.1,0]" : text.contains("travel") ? "[0.1,1,0]" : "[0,0,1]"
                return "{\"index\":\(index),\"embedding\":\(vector)}"
            }
            return .success(HTTPAnswer(status: 200, body: ByteBuffer(string: "{\"data\":[\(data.reversed().joined(separator: ","))]}")))
        }
    }

    private static func chat(_ text: String) -> String {
        "{\"messages\":[{\"role\":\"user\",\"content\":\"code code\"},{\"role\":\"assistant\",\"content\":\"code\"},{\"role\":\"user\",\"content\":\"\(text)\"}]}"
    }

    private func fixture(_ targets: [String], threshold: String = "threshold: 0.5", balancer: String = "") throws(ConfigurationError) -> Fixture {
        let fixture = try Fixture(targets, balancer: "algorithm: semantic\(balancer.isEmpty ? "" : ", " + balancer)", more: Self.more(threshold: threshold))
        Self.embed(fixture.engine)
        return fixture
    }

    private static let subjects = [target("coder", "writes code"), target("guide", "knows travel"), target("rest", "CATCHALL")]

    @Test(arguments: [("please code", "coder", "best_match"), ("a travel plan", "guide", "best_match"), ("what else", "rest", "catch_all")])
    func `a prompt goes to the target whose description it is like`(text: String, target: String, reason: String) async throws {
        let fixture = try self.fixture(Self.subjects)
        let (client, record) = try await fixture.send(Self.chat(text), [Fixture.ok()])
        #expect(client.status == 200)
        #expect(fixture.hosts == [target])
        #expect(record.attemptFields[0]["pellucid.balancer.reason"] == reason)
        #expect(record.scopes[0].fields["pellucid.balancer.distance"] != nil)
        #expect(record.scopes.contains { $0.callName == "embeddings" })
    }

    @Test func `descriptions are embedded once, with the first prompt`() async throws {
        let fixture = try self.fixture(Self.subjects)
        for text in ["code", "travel", "code"] { _ = try await fixture.send(Self.chat(text), [Fixture.ok()]) }
        let calls = fixture.engine.http.calls
        #expect(calls.map { $0.text.components(separatedBy: "writes code").count - 1 } == [1, 0, 0])
        #expect(calls.allSatisfy { $0.header("authorization") == "Bearer sk-embed" && $0.text.contains("\"dimensions\":3") })
        #expect(!calls[1].text.contains("code"), "only what was said last is embedded")
    }

    @Test func `targets with one description take turns and stand in for each other`() async throws {
        let targets = [Self.target("big", "writes code", weight: 75), Self.target("small", "writes code", weight: 25), Self.target("guide", "knows travel")]
        let fixture = try self.fixture(targets)
        for _ in 0..<40 { _ = try await fixture.send(Self.chat("code"), [Fixture.ok()]) }
        #expect(Set(fixture.hosts) == ["big", "small"])
        #expect(fixture.hosts.filter { $0 == "big" }.count > 20)
        let (_, record) = try await fixture.send(Self.chat("code"), [.fail(.connectRefused), .fail(.connectRefused), Fixture.ok()])
        #expect(Set(fixture.hosts.suffix(3).prefix(2)) == ["big", "small"])
        #expect(fixture.hosts.last == "guide")
        #expect(record.attemptFields[2]["pellucid.balancer.reason"] == "next_match")
    }

    @Test func `without a catch-all the nearest serves, however far`() async throws {
        let fixture = try self.fixture(Array(Self.subjects.prefix(2)), threshold: "threshold: 0.01")
        let (_, record) = try await fixture.send(Self.chat("code"), [Fixture.ok()])
        #expect(record.attemptFields[0]["pellucid.balancer.reason"] == "best_match")
        let (_, far) = try await fixture.send(Self.chat("nothing of both"), [Fixture.ok()])
        #expect(far.attemptFields[0]["pellucid.balancer.reason"] == "nearest")
    }

    @Test(arguments: [500, 401, 200])
    func `when the embedding model fails the catch-all serves, and the trace says so`(status: Int) async throws {
        let fixture = try self.fixture(Self.subjects)
        fixture.engine.http.on("http://embed.test/", status: status, json: "{\"data\":[{\"embedding\":[1]}]}")
        let (client, record) = try await fixture.send(Self.chat("code"), [Fixture.ok()])
        #expect(client.status == 200)
        #expect(fixture.hosts == ["rest"])
        #expect(record.attemptFields[0]["pellucid.balancer.reason"] == "embedding_failed")
        #expect(record.scopes.contains { $0.callName == "embeddings" && $0.evidence.outcome == .failed })
    }

    @Test func `what semantic needs is asked for`() {
        let problems = AdvancedFixture.problems(["openai/a"], balancer: "algorithm: semantic")
        for wanted in ["config.embeddings", "config.vectordb", "config.targets[0].description"] { #expect(problems.contains { $0.contains(wanted) }, "\(problems)") }
    }

    // MARK: Vectors

    @Test func `distances are those of the formulas`() {
        #expect(VectorMetric.cosine.distance([1, 0], [0, 1]) == 1)
        #expect(abs(VectorMetric.cosine.distance([1, 2, 3], [2, 4, 6])) < 1e-12)
        #expect(abs(VectorMetric.cosine.distance([1, 0], [-3, 0]) - 2) < 1e-12)
        #expect(VectorMetric.cosine.distance([0, 0], [1, 1]) == 1)
        #expect(VectorMetric.euclidean.distance([0, 3], [4, 0]) == 5)
    }

    @Test func `the index finds what a search through all finds`() {
        var random = SeededRandom(3)
        let vectors = (0..<200).map { id in (id: id, vector: (0..<8).map { _ in Float(random.next(2000)) / 1000 - 1 }) }
        for metric in VectorMetric.allCases {
            let index = ExactVectorIndex(vectors, metric: metric)
            for _ in 0..<20 {
                let query = (0..<8).map { _ in Float(random.next(2000)) / 1000 - 1 }
                let found = index.search(query, count: 5)
                #expect(found.count == 5)
                #expect(zip(found, found.dropFirst()).allSatisfy { $0.distance <= $1.distance })
                let nearest = vectors.min { metric.distance($0.vector, query) < metric.distance($1.vector, query) }
                #expect(found[0].id == nearest?.id)
            }
        }
    }
}
