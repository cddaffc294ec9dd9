import GatewayCore
import GatewayTestSupport
import GatewayWire
import NIOCore
import Telemetry
import TelemetryTestSupport
import Testing

/// Holds events until they carry so many bytes, then has them judged by a service: `bad` cuts, `mask` is masked, `keep` is held until the next verdict.
private final class WindowProbe: RequestPlugin, StreamPlugin {
    struct Settings: GatewayConfiguration, Hashable {
        let size: Int
        let breaks: Bool
        init(from node: inout ConfigurationNode) {
            self.size = node.int("size", default: 10)
            self.breaks = node.bool("breaks", default: false)
        }
    }

    struct State {
        var held: [StreamEvent] = []
        var bytes = 0
    }

    typealias Field = NoEvidence
    static let descriptor = PluginDescriptor(name: "window-probe", priority: 20)
    private let settings: Settings
    private let judge: Judge

    init(configuration: Settings, services: PluginServices) throws(ConfigurationError) {
        self.settings = configuration
        self.judge = Judge(http: services.http)
    }

    func handle(_ request: inout GatewayRequest, _ context: inout StageContext<WindowProbe>) async throws(PluginFailure) -> RequestVerdict { .pass }

    func open(_ request: borrowing GatewayRequest) -> State { State() }

    func handle(_ event: inout StreamEvent, _ state: inout State, _ context: inout StageContext<WindowProbe>) throws(PluginFailure) -> StreamVerdict {
        if event.data.readableBytesView.elementsEqual("[DONE]".utf8) { return .pass }
        state.held.append(event)
        state.bytes += event.data.readableBytes
        if state.bytes < self.settings.size { return .hold }
        return .evaluate(self.window(&state))
    }

    private func window(_ state: inout State) -> StreamWindow {
        let window = StreamWindow(events: state.held, text: ByteBuffer(string: state.held.map { String(buffer: $0.data) }.joined(separator: "|")))
        if !self.settings.breaks { state.held = [] }
        state.bytes = 0
        return window
    }

    func lastWindow(_ state: inout State) -> StreamWindow? { state.held.isEmpty ? nil : self.window(&state) }

    func evaluate(_ window: StreamWindow, _ state: inout State, _ context: inout StageContext<WindowProbe>) async throws(PluginFailure) -> StreamVerdict {
        if self.settings.breaks { return .evaluate(window) }
        let text = try await context.call(self.judge, window.text)
        if text.contains("bad") { return .cut(Rejection(status: 400, code: "window_denied", message: "denied")) }
        if text.contains("mask") { return .replace(window.events.map { StreamEvent(data: ByteBuffer(string: String(repeating: "*", count: $0.data.readableBytes))) }) }
        if text.contains("keep") {
            state.held = window.events + state.held
            return .hold
        }
        return .pass
    }

    func finish(_ state: inout State, _ context: inout StageContext<WindowProbe>) throws(PluginFailure) -> [StreamEvent] { state.held }
}

private struct Judge: OutsideService {
    static let callName: StaticString = "judge"
    let http: HTTPService

    func ask(_ query: ByteBuffer, _ permit: inout CallPermit) async throws(PluginFailure) -> String {
        do throws(HTTPCallFailure) { return String(buffer: try await self.http.send(HTTPCall(url: "http://judge.test/", body: query), &permit).body) } catch {
            throw error.pluginFailure
        }
    }
}

/// What a client had when each verdict was asked for. Everything here runs one after the other.
private final class Observation: @unchecked Sendable {
    let client: FakeExchange
    var asked: [(text: String, seen: String)] = []
    init(_ client: FakeExchange) { self.client = client }
}

@Suite struct StreamEvaluationTests {
    private struct Run {
        let client: FakeExchange
        let record: RecordedRequest
        let answer: FakeAnswer
        let asked: [(text: String, seen: String)]
        var events: [String] { self.client.body.split(separator: "\n\n").map { String($0).replacing("data: ", with: "") } }
        var stage: RecordedRequest.Scope? { self.record.scopes.first { $0.stage == "window-probe stream" } }
    }

    /// - Parameter cuts: where the upstream's bytes are cut into reads.
    private func stream(
        _ events: [String], size: Int = 10, breaks: Bool = false, mode: String = "enforce", model: Bool = true, cuts: [Int] = [], failing: HTTPCallFailure? = nil, more: String = ""
    ) async throws -> Run {
        let plugins = (model ? "{name: model-probe, config: {}}, " : "") + "{name: window-probe, config: {size: \(size), breaks: \(breaks)}, _pellucid: {mode: \(mode)}}\(more)"
        let engine = try EngineFixture(
            "services: [{name: s, url: \"http://origin.test/\", routes: [{name: r, paths: [/]}]}]\nplugins: [\(plugins)]", plugins: PluginRegistration.probes + [PluginRegistration(WindowProbe.self)])
        let client = try FakeExchange("POST", "/", body: [.bytes("{}")])
        let observation = Observation(client)
        engine.http.on("http://judge.test") { call in
            observation.asked.append((String(buffer: call.body), observation.client.body))
            if let failing { return .failure(failing) }
            return .success(HTTPAnswer(status: 200, body: call.body))
        }
        let bytes = Array(events.map { "data: \($0)\n\n" }.joined().utf8)
        let bounds = [0] + cuts.filter { $0 > 0 && $0 < bytes.count } + [bytes.count]
        let pieces = zip(bounds, bounds.dropFirst()).map { FakeAnswer.Step.bytes(String(decoding: bytes[$0..<$1], as: UTF8.self)) }
        let answer = FakeAnswer(headers: [("Content-Type", "text/event-stream")], body: pieces)
        let record = try await engine.serve(client, [.answer(answer)])
        return Run(client: client, record: record, answer: answer, asked: observation.asked)
    }

    @Test func `events go out when their window has passed, the rest at the end before the end marker`() async throws {
        let run = try await self.stream(["hello", "world", "more", "[DONE]"])
        #expect(run.events == ["hello", "world", "more", "[DONE]"])
        #expect(run.asked.map(\.text) == ["hello|world", "more"])
        #expect(run.asked.map(\.seen) == ["", "data: hello\n\ndata: world\n\n"])
        let stage = try #require(run.stage)
        #expect(stage.fields["pellucid.stage.evaluations"] == "2")
        let held = try #require(stage.fields["pellucid.stage.held_ns"].flatMap { Int($0) })
        let longest = try #require(stage.fields["pellucid.stage.longest_hold_ns"].flatMap { Int($0) })
        #expect(held >= longest)
        #expect(longest > 0)
        #expect(stage.evidence.outcome == .passed)
        #expect(run.record.summary.filter { $0.hasPrefix("call") } == ["call judge: passed", "call judge: passed"])
    }

    @Test func `a denied window ends the stream, and nothing of it was sent`() async throws {
        let run = try await self.stream(["hello", "world", "it is ", "a bad word", "after", "[DONE]"])
        #expect(run.events.count == 3)
        #expect(Array(run.events.prefix(2)) == ["hello", "world"])
        #expect(run.events[2].contains("window_denied"))
        #expect(!run.client.body.contains("bad"))
        #expect(!run.client.body.contains("it is"))
        #expect(run.answer.isCancelled)
        #expect(run.client.isFinished)
        #expect(run.record.root.outcome == .rejected)
        #expect(run.record.errorType == "window_denied")
        #expect(run.stage?.evidence.verdict == .reject)
    }

    @Test func `a masked window goes out masked`() async throws {
        let run = try await self.stream(["mask", "me now", "clear text", "[DONE]"])
        #expect(run.events == ["****", "******", "clear text", "[DONE]"])
        #expect(run.stage?.evidence.outcome == .modified)
    }

    @Test func `a window may be held for the next verdict`() async throws {
        let run = try await self.stream(["keep this up", "keep it up", "go", "[DONE]"])
        #expect(run.events == ["keep this up", "keep it up", "go", "[DONE]"])
        #expect(run.asked.map(\.text) == ["keep this up", "keep this up|keep it up", "keep this up|keep it up|go"])
    }

    @Test func `a judge that fails ends the stream`() async throws {
        let run = try await self.stream(["hello", "world", "[DONE]"], failing: HTTPCallFailure(.timeout))
        #expect(!run.client.body.contains("hello"))
        #expect(run.client.body.contains("timeout"))
        #expect(run.record.root.outcome == .failed)
        #expect(run.stage?.evidence.outcome == .failed)
        #expect(run.stage?.errorType == "timeout")
    }

    @Test func `an evaluation that asks for an evaluation is a failure`() async throws {
        let run = try await self.stream(["hello world"], breaks: true)
        #expect(run.stage?.errorType == "no_verdict")
        #expect(!run.client.body.contains("hello"))
    }

    @Test func `a shadow judge delays nothing that it judges and its verdict is on record`() async throws {
        let run = try await self.stream(["hello", "a bad word", "[DONE]"], mode: "shadow")
        #expect(run.events == ["hello", "a bad word", "[DONE]"])
        #expect(run.asked.first?.seen.contains("a bad word") == true)
        #expect(run.stage?.evidence.verdict == .reject)
        #expect(run.stage?.evidence.action == .wouldBlock)
        #expect(run.stage?.errorType == "window_denied")
        #expect(run.stage?.fields["pellucid.stage.held_ns"] == nil)
    }

    @Test func `the events of a service that is no model are judged too`() async throws {
        let run = try await self.stream(["hello", "a bad word"], model: false)
        #expect(!run.client.body.contains("bad word"))
        #expect(run.record.root.outcome == .rejected)
        #expect(run.record.attempts[0].usage.source == .none)
        #expect(!run.record.attempts[0].isStream)
    }

    @Test func `stages behind the judge see only what passed`() async throws {
        let run = try await self.stream(["shout it", "shout", "[DONE]"], more: ", {name: stream-b, config: {}}")
        #expect(run.events == ["SHOUT IT", "SHOUT", "[DONE]"])
    }

    /// Wherever the bytes are cut and however large windows are: what the client had when a verdict was asked for holds nothing of what is judged, and of a denied
    /// window nothing ever arrives.
    @Test(arguments: [1, 7, 16, 40])
    func `nothing is released before its verdict, at every split`(size: Int) async throws {
        let events = ["event-01", "event-02 longer", "e3", "event-04", "bad-05", "event-06", "[DONE]"]
        let length = events.map { "data: \($0)\n\n" }.joined().utf8.count
        for first in stride(from: 1, to: length, by: 1) {
            let run = try await self.stream(events, size: size, cuts: [first, first + 3])
            #expect(!run.client.body.contains("bad-05"))
            #expect(!run.client.body.contains("event-06"))
            var denied: [Substring] = []
            for (text, seen) in run.asked {
                let window = text.split(separator: "|")
                for event in window { #expect(!seen.contains("data: \(event)\n\n"), "cut \(first), size \(size)") }
                if text.contains("bad") { denied = window }
            }
            for event in denied { #expect(!run.client.body.contains("data: \(event)\n\n")) }
            #expect(run.record.errorType == "window_denied")
        }
    }

    @Test func `response stages that need the head see streams, those that need the body leave evidence`() async throws {
        let engine = try EngineFixture(
            """
            services: [{name: s, url: "http://origin.test/", routes: [{name: r, paths: [/]}]}]
            plugins: [{name: model-probe, config: {}}, {name: response-a, config: {act: modify, note: seen}}, {name: response-b, config: {act: reject, flag: true}}]
            """, plugins: PluginRegistration.probes)
        let client = try FakeExchange("POST", "/", body: [.bytes("{}")])
        let record = try await engine.serve(client, [.stream("hello", "usage 3 5", "[DONE]")])
        #expect(client.field("x-note") == "seen")
        #expect(client.field("x-kong-llm-model") == "fake/model-1")
        #expect(client.body == "data: hello\n\ndata: usage 3 5\n\ndata: [DONE]\n\n")
        #expect(record.attempts[0].usage.total == 8)
        #expect(record.summary.contains("stage response-a response: modified, modify/continue"))
        #expect(record.summary.contains("stage response-b response: failed, none/continue, response_streamed"))
    }

    @Test func `a head stage refuses a stream before it begins`() async throws {
        let engine = try EngineFixture(
            """
            services: [{name: s, url: "http://origin.test/", routes: [{name: r, paths: [/]}]}]
            plugins: [{name: model-probe, config: {}}, {name: response-a, config: {act: reject}}]
            """, plugins: PluginRegistration.probes)
        let client = try FakeExchange("POST", "/", body: [.bytes("{}")])
        let record = try await engine.serve(client, [.stream("hello", "[DONE]")])
        #expect(client.status == 451)
        #expect(!client.body.contains("hello"))
        #expect(record.root.outcome == .rejected)
    }

    @Test func `a compressed event stream does not pass stages that have to read it`() async throws {
        let engine = try EngineFixture(
            "services: [{name: s, url: \"http://origin.test/\", routes: [{name: r, paths: [/]}]}]\nplugins: [{name: window-probe, config: {}}]",
            plugins: PluginRegistration.probes + [PluginRegistration(WindowProbe.self)])
        let client = try FakeExchange("POST", "/", headers: [("Host", "h"), ("Accept-Encoding", "gzip")], body: [.bytes("{}")])
        let answer = FakeAnswer(headers: [("Content-Type", "text/event-stream"), ("Content-Encoding", "gzip")], body: [.bytes("data: x\n\n")])
        let record = try await engine.serve(client, [.answer(answer)])
        #expect(client.status == 500)
        #expect(record.errorType == "response_encoded")
        #expect(engine.upstream.sent[0].values("accept-encoding") == ["identity"])
    }
}
