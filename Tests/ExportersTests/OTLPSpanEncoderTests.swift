import Telemetry
import Testing

@testable import Exporters

@Suite struct OTLPSpanEncoderTests {
    /// Encodes one request and lets libprotobuf-c read it.
    private func decode(
        seed: UInt64 = 1, parent: TraceContext? = nil, outcome: Outcome = .passed, former: Bool = false, _ record: (borrowing RequestRecord) -> Void
    ) throws -> OTLPOracle.Decoded {
        var bytes: [UInt8] = []
        var count = 0
        EvidenceBuilder(seed: seed).request(parent: parent, outcome: outcome, record) { evidence in
            var writer = ByteWriter()
            count = OTLPSpanEncoder(writesFormerHTTP: former).encode(evidence, into: &writer)
            bytes = OTLPEnvelope(options: OTLPOptions()).wrap(writer.bytes)
        }
        let decoded = try #require(OTLPOracle.decode(bytes))
        #expect(decoded.repacked == bytes)
        #expect(decoded.spans.count == count)
        return decoded
    }

    /// A streamed chat request with a guard before it.
    private func modelSpans() throws -> OTLPOracle.Decoded {
        try self.decode { request in
            request.matched(Sample.route, sinks: [])
            request.authenticated(Sample.consumer)
            request.update { root, evidence in Sample.fillRoot(&root, evidence) }
            var stage = request.openStage(Sample.guardStage)
            stage.decide(.reject, .continue)
            stage.set("guard.rule", .name("deny"))
            stage.addBytesDelta(-5)
            stage.addTokensDelta(-2)
            stage.finish(.passed)
            var attempt = request.openAttempt()
            attempt.withAttempt { attempt, evidence in
                Sample.fillAttempt(&attempt, evidence)
                attempt.isStream = true
                attempt.sentAt = 1_000
                attempt.firstChunkAt = 501_000
                attempt.chunkCount = 7
                attempt.cost = 0.25
                attempt.hasCost = true
            }
            attempt.set("gen_ai.request.temperature", .double(0.5))
            attempt.set("gen_ai.request.stop_sequences", .list(["a,b", "", "é\u{0}\n"]))
            attempt.finish(.passed)
        }
    }

    @Test func `a model request becomes a server, a stage and a client span`() throws {
        let decoded = try self.modelSpans()
        #expect(decoded.resource["service.name"] == "pellucid")
        #expect(decoded.scopeName == "pellucid")
        let (root, stage, client) = (decoded.spans[0], decoded.spans[1], decoded.spans[2])
        #expect(root.name == "POST /chat")
        #expect(root.kind == 2)
        #expect(root.parentID.isEmpty)
        #expect(root.flags == 0x101)
        #expect(!root.isError)
        #expect(root.attributes["http.route"] == "/chat")
        #expect(root.attributes["http.response.status_code"] == "200")
        #expect(root.attributes["pellucid.consumer"] == "alice")
        #expect(root.attributes["pellucid.config.hash"] == "cafe")
        #expect(root.attributes["pellucid.cost"] == "0.25")
        #expect(root.attributes["pellucid.usage.source"] == "provider_reported")
        #expect(root.attributes["pellucid.request.id"]?.count == 32)
        #expect(root.attributes["user_agent.original"] == nil)
        #expect(root.attributes["error.type"] == nil)
        #expect(root.start <= stage.start && stage.start <= stage.end && stage.end <= root.end)

        #expect(stage.name == "ai-prompt-guard request")
        #expect(stage.kind == 1)
        #expect(stage.parentID == root.spanID)
        #expect(stage.traceID == root.traceID)
        #expect(stage.attributes["pellucid.stage.mode"] == "shadow")
        #expect(stage.attributes["pellucid.stage.verdict"] == "reject")
        #expect(stage.attributes["pellucid.stage.action"] == "continue")
        #expect(stage.attributes["pellucid.stage.bytes.delta"] == "-5")
        #expect(stage.attributes["pellucid.stage.tokens.delta"] == "-2")
        #expect(stage.attributes["guard.rule"] == "deny")

        #expect(client.name == "chat gpt-4o")
        #expect(client.kind == 3)
        #expect(client.attributes["gen_ai.response.finish_reasons"] == "[stop,length]")
        #expect(client.attributes["gen_ai.response.time_to_first_chunk"] == "0.0005")
        #expect(client.attributes["gen_ai.usage.output_tokens"] == "20")
        #expect(client.attributes["gen_ai.request.stream"] == "true")
        #expect(client.attributes["gen_ai.request.temperature"] == "0.5")
        #expect(client.attributes["gen_ai.request.stop_sequences"] == "[a,b,é\n]")
        #expect(client.attributes["http.request.resend_count"] == nil)
        #expect(client.attributes["pellucid.provider.request.id"] == "req_9")
        #expect(!client.isError)
    }

    @Test func `a joined trace keeps its id, parent and state`() throws {
        let parent = TraceContext(traceIDHigh: 0x0102_0304_0506_0708, traceIDLow: 9, spanID: 0xaabb, isSampled: true)
        let decoded = try self.decode(parent: parent) { request in
            request.update { root, evidence in root.traceState = evidence.text("vendor=1") }
        }
        let root = decoded.spans[0]
        #expect(root.traceID == [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, 9])
        #expect(root.parentID == [0, 0, 0, 0, 0, 0, 0xaa, 0xbb])
        #expect(root.traceState == "vendor=1")
        #expect(root.flags == 0x301)
    }

    @Test func `a request that matched nothing is named by its method`() throws {
        let decoded = try self.decode { $0.update { root, _ in root.method = EvidenceText("GET") } }
        #expect(decoded.spans[0].name == "GET")
    }

    @Test func `a route without a template gives its name`() throws {
        let route = RouteIdentity(routeID: "r", routeName: "by-host", serviceID: "", serviceName: "", template: "", auditJSON: [])
        let decoded = try self.decode { request in
            request.matched(route, sinks: [])
            request.update { root, _ in root.method = EvidenceText("PUT") }
        }
        #expect(decoded.spans[0].name == "PUT by-host")
        #expect(decoded.spans[0].attributes["http.route"] == nil)
    }

    @Test(arguments: [(UInt16(200), false), (404, false), (429, false), (500, true), (503, true)])
    func `a server span is an error from status 500 on`(status: UInt16, isError: Bool) throws {
        let decoded = try self.decode { $0.update { root, evidence in Sample.fillRoot(&root, evidence, status: status) } }
        #expect(decoded.spans[0].isError == isError)
        #expect(decoded.spans[0].attributes["error.type"] == (isError ? "\(status)" : nil))
    }

    @Test func `tokens written to the provider's cache are on the attempt's span`() throws {
        for writes in [0, 7] as [Int64] {
            let decoded = try self.decode { request in
                var attempt = request.openAttempt()
                attempt.withAttempt { attempt, evidence in
                    Sample.fillAttempt(&attempt, evidence)
                    attempt.usage.cacheWrites = writes
                }
                attempt.finish(.passed)
            }
            #expect(decoded.spans[1].attributes["gen_ai.usage.cache_creation.input_tokens"] == (writes == 0 ? nil : "7"))
        }
    }

    @Test(arguments: [(UInt16(200), false), (404, true), (500, true)])
    func `a client span is an error from status 400 on`(status: UInt16, isError: Bool) throws {
        let decoded = try self.decode { request in
            var attempt = request.openAttempt()
            attempt.withAttempt { attempt, _ in attempt.status = status }
            attempt.finish(.passed)
        }
        #expect(decoded.spans[1].isError == isError)
        #expect(decoded.spans[1].attributes["error.type"] == (isError ? "\(status)" : nil))
    }

    @Test(arguments: [
        (Outcome.passed, false), (.modified, false), (.answered, false), (.rejected, false), (.cancelled, false), (.failed, true), (.abandoned, true),
    ])
    func `a stage is an error when it failed or was forgotten, not when it refused`(outcome: Outcome, isError: Bool) throws {
        let decoded = try self.decode { request in request.openStage(Sample.keyAuth).finish(outcome) }
        #expect(decoded.spans[1].isError == isError)
        #expect(decoded.spans[1].attributes["pellucid.stage.outcome"] == "\(outcome.name)")
    }

    @Test func `the second attempt carries its resend count and every attempt is a span`() throws {
        let decoded = try self.decode { request in
            for status in [UInt16(503), 200] {
                var attempt = request.openAttempt()
                attempt.withAttempt { attempt, evidence in
                    Sample.fillAttempt(&attempt, evidence)
                    attempt.status = status
                }
                attempt.finish(status == 200 ? .passed : .failed)
            }
        }
        #expect(decoded.spans.count == 3)
        #expect(decoded.spans[1].isError)
        #expect(decoded.spans[2].attributes["http.request.resend_count"] == "1")
    }

    @Test func `a call to an outside service is a client span below its stage`() throws {
        let decoded = try self.decode { request in
            let stage = request.openStage(Sample.guardStage)
            var call = stage.openCall("guard_check azure")
            call.set("server.address", .string("guard.example"))
            call.fail("timeout")
            call.finish(.failed)
            stage.finish(.passed)
        }
        let call = decoded.spans[2]
        #expect(call.name == "guard_check azure")
        #expect(call.kind == 3)
        #expect(call.parentID == decoded.spans[1].spanID)
        #expect(call.attributes["error.type"] == "timeout")
        #expect(call.isError)
    }

    @Test func `text that is no UTF-8 is repaired so that the collector takes the batch`() throws {
        let decoded = try self.decode { request in
            request.update { root, evidence in
                let bytes: [UInt8] = [0x61, 0xff, 0x62, 0xc3, 0xa9]
                root.userAgent = bytes.withUnsafeBytes { evidence.text($0) }
            }
        }
        #expect(decoded.spans[0].attributes["user_agent.original"] == "a\u{FFFD}bé")
    }

    @Test(arguments: 0..<60) func `random evidence is packed as libprotobuf-c packs it`(seed: Int) throws {
        var random = FixedRandom(UInt64(seed) + 1)
        let decoded = try self.decode(seed: UInt64(seed) + 1, outcome: Outcome.allCases.randomElement(using: &random)!) { request in
            if Bool.random(using: &random) { request.matched(Sample.route, sinks: []) }
            for _ in 0..<Int.random(in: 0...5, using: &random) {
                var stage = request.openStage(Sample.keyAuth)
                self.setRandom(&stage, &random)
                stage.finish(Outcome.allCases.randomElement(using: &random)!)
            }
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                var attempt = request.openAttempt()
                let length = Int.random(in: 0...300, using: &random)
                attempt.withAttempt { attempt, evidence in
                    Sample.fillAttempt(&attempt, evidence)
                    attempt.requestModel = evidence.text(String(repeating: "m", count: length))
                    attempt.usage.input = Int64.random(in: 0...Int64.max, using: &random)
                    attempt.status = UInt16.random(in: 0...599, using: &random)
                }
                self.setRandom(&attempt, &random)
                attempt.finish(.passed)
            }
            let path = String(repeating: "/p", count: Int.random(in: 0...9000, using: &random))
            request.update { root, evidence in
                Sample.fillRoot(&root, evidence, status: UInt16.random(in: 0...599, using: &random))
                root.path = evidence.text(path)
            }
        }
        for span in decoded.spans { #expect(span.attributeCount == span.attributes.count, "an attribute key appears once") }
    }

    private func setRandom(_ scope: inout ScopeRecord, _ random: inout FixedRandom) {
        if Bool.random(using: &random) { scope.set("k.int", .int(Int64.random(in: Int64.min...Int64.max, using: &random))) }
        if Bool.random(using: &random) { scope.set("k.double", .double(Double.random(in: -1e9...1e9, using: &random))) }
        if Bool.random(using: &random) { scope.set("k.bool", .bool(Bool.random(using: &random))) }
        if Bool.random(using: &random) { scope.set("k.list", .list((0..<Int.random(in: 0...9, using: &random)).map { String(repeating: "é", count: $0 * 40) })) }
        if Bool.random(using: &random) { scope.set("k.text", .string(String(repeating: "é", count: Int.random(in: 0...9000, using: &random)))) }
    }

    @Test func `former names stand beside those of now when asked for`() throws {
        func spans(_ former: Bool) throws -> [OTLPOracle.Span] {
            try self.decode(former: former) { request in
                request.matched(Sample.route, sinks: [])
                request.update { root, evidence in Sample.fillRoot(&root, evidence) }
                var attempt = request.openAttempt()
                attempt.withAttempt { attempt, evidence in Sample.fillAttempt(&attempt, evidence) }
                attempt.finish(.passed)
            }.spans
        }
        let (now, both) = (try spans(false), try spans(true))
        for (plain, dup) in zip(now, both) {
            // Nothing is lost, and each addition is the value of its successor.
            #expect(dup.attributes.merging(plain.attributes) { a, b in a == b ? a : "differs" } == dup.attributes)
        }
        let pairs = [("http.method", "http.request.method"), ("http.status_code", "http.response.status_code"), ("http.scheme", "url.scheme"), ("http.target", "url.path"),
            ("net.host.name", "server.address"), ("http.client_ip", "client.address"), ("net.protocol.version", "network.protocol.version")]
        for (former, stable) in pairs {
            #expect(both[0].attributes[former] != nil && both[0].attributes[former] == both[0].attributes[stable], "\(former)")
            #expect(now[0].attributes[former] == nil)
        }
        for (former, stable) in [("net.peer.name", "server.address"), ("http.status_code", "http.response.status_code"), ("net.peer.port", "server.port")] {
            #expect(both[1].attributes[former] != nil && both[1].attributes[former] == both[1].attributes[stable], "\(former)")
        }
    }
}
