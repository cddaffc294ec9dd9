import GatewayWire
import NIOCore

/// Holds back what a client says first in a session until it is known which model it means: Gemini's Live API has it in the first message
/// (https://ai.google.dev/api/live#BidiGenerateContentSetup), not in the handshake.
final class SessionGate {
    enum Verdict {
        /// The message is not complete yet.
        case hold
        /// All that has come, from the beginning.
        case pass(ByteBuffer)
        /// Another model, or none: nothing of it has been passed on.
        case refuse
    }

    private let allowed: [String]
    private let maximumBytes: Int
    private var messages: WebSocketTextReader
    private var held = ByteBuffer()
    private var isOpen = false

    /// - Parameters:
    ///   - allowed: names of models; what stands before the last "/" of the client's does not count.
    ///   - maximumBytes: of the first message.
    init(allowed: [String], maximumBytes: Int) {
        self.allowed = allowed
        self.maximumBytes = maximumBytes
        self.messages = WebSocketTextReader(maximumMessageBytes: maximumBytes, readsBinary: true)
    }

    /// Bytes of the client's that a scanner let pass, in order.
    func admit(_ bytes: ByteBuffer) -> Verdict {
        if self.isOpen { return .pass(bytes) }
        self.held.writeImmutableBuffer(bytes)
        var first: ByteBuffer?
        self.messages.read(bytes) { message in if first == nil { first = message } }
        guard let first else { return self.held.readableBytes > self.maximumBytes ? .refuse : .hold }
        guard self.allows(first) else { return .refuse }
        self.isOpen = true
        defer { self.held = ByteBuffer() }
        return .pass(self.held)
    }

    /// What is held of a client that closes before it has said a whole message.
    func release() -> ByteBuffer {
        defer { self.held = ByteBuffer() }
        return self.held
    }

    private func allows(_ message: ByteBuffer) -> Bool {
        guard let root = try? JSONDocument(message).root else { return false }
        var named = 0
        // Every one of several members with the same key: nobody knows which one a recipient takes.
        for (key, setup) in root.members where key.string == "setup" {
            for (key, model) in setup.members where key.string == "model" {
                guard let name = model.string, self.allowed.contains(name.split(separator: "/").last.map(String.init) ?? name) else { return false }
                named += 1
            }
        }
        return named > 0
    }
}
