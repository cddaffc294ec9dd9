import GatewayCore
import NIOCore
import Telemetry

/// A provider whose answers say `usage INPUT OUTPUT`, `model NAME`, `stop`.
final class FakeAdapter: ProviderAdapter {
    let descriptor = ProviderDescriptor(name: "fake", telemetryName: "fake", keyVariable: "", reportsStreamUsage: true)

    func locate(_ operation: ModelOperation, _ settings: ProviderSettings) throws(ProviderFailure) -> ProviderLocation {
        ProviderLocation(endpoint: UpstreamEndpoint(host: "model.test", port: 443, isTLS: true), path: "/v1/chat")
    }

    func encode(_ request: ModelRequestBody, _ edits: ModelRequestEdits) throws(ProviderFailure) -> ByteBuffer { request.bytes }
    func makeReader(hidesUsage: Bool) -> any ModelResponseReader { FakeReader(hidesUsage: hidesUsage) }
    func classify(status: Int) -> FailureClass { .none }
}

final class FakeReader: ModelResponseReader {
    private(set) var facts = ModelResponseFacts()
    private let hidesUsage: Bool

    init(hidesUsage: Bool) { self.hidesUsage = hidesUsage }

    func event(_ data: UnsafeRawBufferPointer) -> EventDisposition { self.read(String(decoding: data, as: UTF8.self)) }
    func document(_ bytes: ByteBuffer) { _ = self.read(String(buffer: bytes)) }

    private func read(_ text: String) -> EventDisposition {
        let words = text.split(separator: " ")
        switch words.first {
        case "usage":
            self.facts.usage.input = Int64(words[1]) ?? 0
            self.facts.usage.output = Int64(words[2]) ?? 0
            self.facts.usage.source = .providerReported
            return self.hidesUsage ? .drop : .pass
        case "model":
            self.facts.model = ByteBuffer(string: String(words[1]))
            self.facts.id = ByteBuffer(string: "id-1")
        case "stop": self.facts.finishReasons = ByteBuffer(string: "stop")
        default: break
        }
        return .pass
    }
}
