import GatewayWire
import NIOCore
import Telemetry
import TelemetryTestSupport
import Testing

@testable import GatewayCore

@Suite struct TracePropagationTests {
    /// The fields a message with these lines has.
    private func fields(_ lines: FieldLines) throws -> HTTPFields {
        var fields = HTTPFields()
        let text = String(decoding: lines.bytes.readableBytesView, as: UTF8.self)
        for line in text.split(separator: "\r\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            let isTaken = fields.append(name: String(parts[0]), String(parts[1].dropFirst()))
            #expect(isTaken)
        }
        return fields
    }

    private func fields(_ pairs: (String, String)...) -> HTTPFields {
        var fields = HTTPFields()
        for (name, value) in pairs { _ = fields.append(name: name, value) }
        return fields
    }

    @Test(arguments: TraceFormat.allCases.filter { $0 != .w3c }) func `what is written is read back`(_ format: TraceFormat) throws {
        var random = SeededRandom(7)
        for number in 0..<500 {
            // Every third id has 64 bits only; datadog knows no other.
            let high: UInt64 = format == .datadog || number % 3 == 0 ? 0 : random.next()
            let context = TraceContext(traceIDHigh: high, traceIDLow: random.next() | 1, spanID: random.next() | 1, isSampled: number % 2 == 0)
            var lines = FieldLines()
            TracePropagation.write(format, context, parent: number % 5 == 0 ? 0 : random.next(), into: &lines)
            let found = try #require(TraceExtractor.extract(format, from: try self.fields(lines)))
            #expect(found.traceIDHigh == context.traceIDHigh && found.traceIDLow == context.traceIDLow && found.spanID == context.spanID)
            #expect(found.isSampled == context.isSampled)
            #expect(TraceExtractor.candidates(in: try self.fields(lines)) & format.bit != 0, "the quick look must not miss it")
        }
    }

    @Test(arguments: TraceFormat.allCases) func `garbage is no trace and no crash`(_ format: TraceFormat) {
        var random = SeededRandom(11)
        let alphabet = Array("0123456789abcdefABCDEF-:/;=RootPantSmpled1xz ")
        for _ in 0..<2000 {
            var fields = HTTPFields()
            for name in format.headers {
                let value = String((0..<Int(random.next() % 60)).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] })
                _ = fields.append(name: name, value)
            }
            if let found = TraceExtractor.extract(format, from: fields) { #expect(found.hasTrace || found.isSampled != nil) }
        }
    }

    @Test func `a decision can come without a trace`() {
        #expect(TraceExtractor.extract(.b3, from: self.fields(("b3", "0")))?.isSampled == false)
        #expect(TraceExtractor.extract(.b3, from: self.fields(("X-B3-Sampled", "true")))?.isSampled == true)
        #expect(TraceExtractor.extract(.b3, from: self.fields(("X-B3-Flags", "1")))?.isSampled == true)
        #expect(TraceExtractor.extract(.b3, from: self.fields(("X-B3-TraceId", "00000000000000000000000000000000"), ("X-B3-SpanId", "1"))) == nil, "an id of zeros is none")
    }

    @Test func `the first format found counts`() throws {
        let rules = TracePropagation(extract: [.jaeger, .b3, .w3c], inject: [.preserve, .format(.aws), .format(.jaeger)])
        let both = self.fields(("traceparent", "00-463ac35c9f6413ad48485a3953bb6124-a2fb4a1d1a96d312-01"), ("b3", "463ac35c9f6413ad48485a3953bb6125-a2fb4a1d1a96d313-1"))
        let found = try #require(rules.read(both))
        #expect(found.format == .b3Single && found.spanID == 0xa2fb_4a1d_1a96_d313)
        #expect(rules.formats(after: found.format) == [.b3Single, .aws, .jaeger])
        #expect(rules.formats(after: nil) == [.w3c, .aws, .jaeger])
        #expect(rules.read(self.fields()) == nil)
    }

    @Test func `what the engine does by itself is recognised`() {
        #expect(TracePropagation(extract: [.w3c], inject: [.format(.w3c)]).isStandard)
        #expect(TracePropagation(extract: [.w3c], inject: [.preserve]).isStandard)
        #expect(!TracePropagation(extract: [.w3c], inject: [.preserve], defaultFormat: .b3).isStandard)
        #expect(!TracePropagation(extract: [.w3c], inject: []).isStandard)
        #expect(!TracePropagation(extract: [.w3c, .b3], inject: [.preserve]).isStandard)
    }
}
