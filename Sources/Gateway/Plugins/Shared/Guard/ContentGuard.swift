public import GatewayCore
import GatewayWire
import NIOCore
import Telemetry

/// A guard that has an outside service judge what goes to models and what comes back: prompts, answers, and streamed answers window by window.
///
/// One class for all of Kong's content guards; the service is the ``GuardVendor``. Of a stream nothing leaves before the verdict on the window it is in; a window is
/// judged together with the end of what went before it, so that a phrase across two windows is seen (where texts may be masked, windows are judged alone).
public final class ContentGuard<Vendor: GuardVendor>: RequestPlugin, ResponsePlugin, StreamPlugin {
    public typealias Configuration = Vendor.Settings
    public typealias Field = GuardField
    public typealias StreamState = GuardStream
    public static var descriptor: PluginDescriptor { Vendor.descriptor }

    let settings: GuardSettings
    private let vendor: Vendor
    private let instanceID: String

    public init(configuration: Vendor.Settings, services: PluginServices) throws(ConfigurationError) {
        self.settings = Vendor.common(configuration)
        self.vendor = try Vendor(settings: configuration, services: services)
        self.instanceID = services.instanceID
    }

    // MARK: Prompts

    public func handle(_ request: inout GatewayRequest, _ context: inout StageContext<ContentGuard>) async throws(PluginFailure) -> RequestVerdict {
        self.describe(&context)
        let consumer = request.consumer?.id ?? "unknown"
        if self.settings.mode.seesOutput { request.leave(GuardNote(consumerID: consumer), for: self.instanceID) }
        guard self.settings.mode.seesInput else { return .pass }
        let document: JSONDocument
        switch await PromptBody.read(&request, limit: 0) {
        case .success(let read): document = read
        case .failure(let refusal): return .reject(refusal.rejection)
        }
        let parts = self.selected(PromptReader.read(document.root).parts)
        let texts = parts.map { GuardQuestion.Text(role: $0.role.name, content: $0.view.text ?? ByteBuffer()) }
        var tally = GuardTally(consumerID: consumer)
        let ruling = try await self.judge(GuardQuestion(source: .input, texts: texts), &tally, &context)
        tally.record(.input, &context)
        switch ruling {
        case .pass: return .pass
        case .stop(let rejection): return .reject(rejection)
        case .replace(let masked):
            var splice = JSONSplice(document.bytes)
            for (part, text) in zip(parts, masked) {
                guard splice.replace(part.view, string: text) else { throw PluginFailure("mask_overlap") }
            }
            request.body = .bytes(splice.apply())
            return .modified
        }
    }

    private func selected(_ parts: [PromptPart]) -> [PromptPart] {
        switch self.settings.textSource {
        case .everything: return parts
        case .userContent: return parts.filter { $0.role == .user }
        case .lastMessage:
            let last = parts.map(\.message).max()
            return parts.filter { $0.message == last }
        }
    }

    // MARK: Whole answers

    /// A guard reads no more than this of an answer; what it cannot read it stops or lets go as `stop_on_error` says.
    private static var answerLimit: Int { 8 << 20 }

    public var need: ResponseNeed { .body(limit: Self.answerLimit) }
    public var seesResponses: Bool { self.settings.mode.seesOutput }
    public var seesStreams: Bool { self.settings.mode.seesOutput }
    public var stopsUnseen: Bool { self.settings.stopsOnError }

    public func handle(_ response: inout GatewayResponse, _ context: inout StageContext<ContentGuard>) async throws(PluginFailure) -> ResponseVerdict {
        self.describe(&context)
        guard (200..<300).contains(response.status), response.body.readableBytes > 0 else { return .pass }
        guard let document = self.document(of: response) else { return try self.passUnread(response, &context) }
        let answer = AnswerReader.read(document.root)
        let texts = answer.texts.map { GuardQuestion.Text(role: "assistant", content: $0.view.text ?? ByteBuffer()) }
        var tally = GuardTally(consumerID: response.notes?.note(of: self.instanceID, as: GuardNote.self)?.consumerID ?? "unknown")
        let ruling = try await self.judge(GuardQuestion(source: .output, texts: texts), &tally, &context)
        tally.record(.output, &context)
        switch ruling {
        case .pass: return .pass
        case .stop(let rejection): return .reject(rejection)
        case .replace(let masked):
            var splice = JSONSplice(document.bytes)
            for (piece, text) in zip(answer.texts, masked) {
                guard splice.replace(piece.view, string: text) else { throw PluginFailure("mask_overlap") }
            }
            answer.hideSpellings(&splice)
            response.body = splice.apply()
            return .modified
        }
    }

    private func document(of response: GatewayResponse) -> JSONDocument? {
        if let coding = response.fields.first(.contentEncoding), !coding.elementsEqual("identity".utf8) { return nil }
        return try? JSONDocument(response.body)
    }

    /// An answer that is no readable text: of another kind (audio, images) it passes, as in Kong; otherwise it could not be judged.
    private func passUnread(_ response: GatewayResponse, _ context: inout StageContext<ContentGuard>) throws(PluginFailure) -> ResponseVerdict {
        let type = response.fields.firstString(.contentType) ?? ""
        let isText = type.isEmpty || type.hasPrefix("text/") || type.contains("json")
        if isText, self.settings.stopsOnError { throw PluginFailure("response_unreadable", message: "\(Vendor.descriptor.name) cannot read the answer") }
        context.set(.outputFailure, .name(isText ? "response_unreadable" : "not_text"))
        return .pass
    }

    // MARK: Judging

    enum Ruling {
        case pass
        case stop(Rejection)
        case replace([ByteBuffer])
    }

    func describe(_ context: inout StageContext<ContentGuard>) {
        context.set(.mode, .name(self.settings.mode.name))
        for (field, value) in self.vendor.facts { context.set(field, value) }
    }

    /// Asks the service, and records what it said.
    func judge(_ question: GuardQuestion, _ tally: inout GuardTally, _ context: inout StageContext<ContentGuard>) async throws(PluginFailure) -> Ruling {
        guard question.byteCount > 0 else { return .pass }
        let source = question.source
        let start = MonotonicClock.now()
        let answer: GuardAnswer
        do throws(PluginFailure) { answer = try await context.call(self.vendor, question) } catch {
            tally.add(question, since: start)
            if self.settings.stopsOnError {
                tally.record(source, &context)
                throw error
            }
            context.set(source.field(.inputFailure, .outputFailure), .name(error.code))
            return .pass
        }
        tally.add(question, since: start)
        for (field, value) in answer.facts { context.set(field, value) }
        switch answer.decision {
        case .pass: return .pass
        case .mask(let texts, let reason):
            guard texts.count == question.texts.count else { throw PluginFailure("mask_mismatch", message: "the guard service masked another number of texts than it was asked about") }
            context.set(source.field(.inputMasked, .outputMasked), .bool(true))
            context.set(source.field(.inputBlockReason, .outputBlockReason), .string(reason))
            return .replace(texts)
        case .block(let reason, let message):
            context.set(source.field(.inputBlockReason, .outputBlockReason), .string(reason))
            context.set(source.field(.inputBlockSource, .outputBlockSource), .name(Vendor.descriptor.name))
            context.set(source.field(.inputBlockConsumer, .outputBlockConsumer), .string(tally.consumerID))
            context.set(.triggeredCount, .int(1))
            if self.settings.logsBlockedContent {
                context.set(source.field(.faultyPrompt, .faultyResponse), .string(String(buffer: question.joined)))
            }
            return .stop(Rejection(status: answer.status, code: "content_blocked", message: message, shape: PromptFormat.openai.refusalShape))
        }
    }
}

/// What a guard's request stage leaves for the response's.
struct GuardNote: Sendable {
    let consumerID: String
}

/// What is counted over the questions of one direction.
struct GuardTally: Sendable {
    let consumerID: String
    private var nanoseconds: UInt64 = 0
    private var bytes = 0

    init(consumerID: String) { self.consumerID = consumerID }

    mutating func add(_ question: GuardQuestion, since start: UInt64) {
        self.nanoseconds &+= MonotonicClock.now() &- start
        self.bytes += question.byteCount
    }

    func record<Vendor>(_ source: GuardSource, _ context: inout StageContext<ContentGuard<Vendor>>) {
        guard self.bytes > 0 else { return }
        context.set(source.field(.inputLatency, .outputLatency), .int(Int64(clamping: self.nanoseconds / 1_000_000)))
        context.set(source.field(.inputBytes, .outputBytes), .int(Int64(self.bytes)))
    }
}

extension PromptPart.Role {
    /// OpenAI's name of the role.
    var name: StaticString {
        switch self {
        case .user, .other: "user"
        case .assistant: "assistant"
        case .system: "system"
        case .tool: "tool"
        }
    }
}
