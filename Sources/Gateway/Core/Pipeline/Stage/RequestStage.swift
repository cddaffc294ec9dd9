public import Telemetry

/// What a stage leaves the pipeline to do. Small: it lies in the frames of tasks that wait for long.
enum StageResult {
    case proceed
    indirect case respond(GatewayResponse)
    indirect case reject(Rejection)
    indirect case fail(PluginFailure)

    var proceeds: Bool {
        if case .proceed = self { true } else { false }
    }
}

/// A request plugin with its evidence: the only way to run one.
protocol RequestStage: AnyObject, Sendable {
    /// The result where nothing has to be waited for; nil: ``run(_:_:)`` is to be asked.
    func runNow(_ request: inout GatewayRequest, _ record: borrowing RequestRecord) -> StageResult?
    func run(_ request: inout GatewayRequest, _ record: borrowing RequestRecord) async -> StageResult
}

/// A request stage on its way from where the plugin's type is known to the pipeline.
public struct RequestStageHandle: Sendable {
    let stage: any RequestStage
}

extension GatewayPlugin {
    public func requestStage(_ identity: StageIdentity) -> RequestStageHandle? { nil }
}

extension RequestPlugin {
    public func requestStage(_ identity: StageIdentity) -> RequestStageHandle? {
        RequestStageHandle(stage: RequestStageBox(RequestStageRunner(plugin: self, identity: identity)))
    }
}

extension InlineRequestPlugin {
    public func requestStage(_ identity: StageIdentity) -> RequestStageHandle? {
        RequestStageHandle(stage: RequestStageBox(inline: RequestStageRunner(plugin: self, identity: identity)))
    }
}

/// Holds what runs a plugin, made where the plugin's type is known: in code for all types the runtime would look up the metadata of the context anew for
/// every request.
final class RequestStageBox: RequestStage {
    private let now: (@Sendable (inout GatewayRequest, borrowing RequestRecord) -> StageResult?)?
    private let body: @Sendable (inout GatewayRequest, borrowing RequestRecord) async -> StageResult

    init<Plugin: RequestPlugin>(_ runner: RequestStageRunner<Plugin>) {
        self.now = nil
        if runner.identity.mode == .shadow {
            self.body = { request, record in await runner.runShadow(&request, record) }
        } else {
            self.body = { request, record in await runner.run(&request, record) }
        }
    }

    init<Plugin: InlineRequestPlugin>(inline runner: RequestStageRunner<Plugin>) {
        if runner.identity.mode == .shadow {
            self.now = nil
            self.body = { request, record in await runner.runShadow(&request, record) }
        } else {
            self.now = { request, record in runner.plugin.isReady(&request) ? runner.runNow(&request, record) : nil }
            self.body = { request, record in await runner.run(&request, record) }
        }
    }

    func runNow(_ request: inout GatewayRequest, _ record: borrowing RequestRecord) -> StageResult? { self.now?(&request, record) }
    func run(_ request: inout GatewayRequest, _ record: borrowing RequestRecord) async -> StageResult { await self.body(&request, record) }
}

/// A request plugin with its evidence.
struct RequestStageRunner<Plugin: RequestPlugin>: Sendable {
    let plugin: Plugin
    let identity: StageIdentity
    private let countsTokens: Bool

    init(plugin: Plugin, identity: StageIdentity) {
        self.plugin = plugin
        self.identity = identity
        self.countsTokens = Plugin.descriptor.changesText
    }

    @inline(__always)
    func run(_ request: inout GatewayRequest, _ record: borrowing RequestRecord) async -> StageResult {
        var context = StageContext<Plugin>(record.openStage(self.identity))
        if self.countsTokens { request.keepOriginal() }
        do {
            let verdict = try await self.plugin.handle(&request, &context)
            self.measure(verdict, &request, &context)
            return Self.conclude(verdict, context)
        } catch {
            if self.countsTokens { request.dropOriginal() }
            return Self.fail(error, context)
        }
    }

    /// Records what the stage did to the body.
    @inline(__always)
    fileprivate func measure(_ verdict: RequestVerdict, _ request: inout GatewayRequest, _ context: inout StageContext<Plugin>) {
        if case .modified = verdict {
            let change = request.bodyChange()
            if change.bytes != 0 { context.record.addBytesDelta(change.bytes) }
            if change.tokens != 0 { context.record.addTokensDelta(change.tokens) }
        }
        if self.countsTokens { request.dropOriginal() }
    }

    @inline(__always)
    fileprivate static func conclude(_ verdict: consuming RequestVerdict, _ context: consuming StageContext<Plugin>) -> StageResult {
        switch verdict {
        case .pass:
            context.record.decide(.pass, .continue)
            context.finish(.passed)
            return .proceed
        case .modified:
            context.record.decide(.modify, .continue)
            context.finish(.modified)
            return .proceed
        case .respond(let response):
            context.record.decide(.respond, .answer)
            context.finish(.answered)
            return .respond(response)
        case .reject(let rejection):
            context.record.decide(.reject, .block)
            context.record.fail(rejection.code)
            context.finish(.rejected)
            return .reject(rejection)
        }
    }

    fileprivate static func fail(_ failure: PluginFailure, _ context: consuming StageContext<Plugin>) -> StageResult {
        context.record.decide(.none, .fail)
        context.record.fail(failure.code)
        context.finish(Task.isCancelled ? .cancelled : .failed)
        return .fail(failure)
    }

    /// Judges a copy of the request and changes nothing but that the body may have been read; the verdict is recorded, the action is always to go on.
    func runShadow(_ request: inout GatewayRequest, _ record: borrowing RequestRecord) async -> StageResult {
        var copy = request.copy()
        let received = ReceivedBody()
        copy.received = received
        defer {
            if let body = received.body {
                request.body = body
                if case .bytes(let bytes) = body { request.noteReceived(bytes) }
            }
        }
        var context = StageContext<Plugin>(record.openStage(self.identity))
        if self.countsTokens { copy.keepOriginal() }
        do {
            let verdict = try await self.plugin.handle(&copy, &context)
            self.measure(verdict, &copy, &context)
            switch verdict {
            case .pass: context.record.decide(.pass, .continue)
            case .modified: context.record.decide(.modify, .wouldModify)
            case .respond: context.record.decide(.respond, .wouldAnswer)
            case .reject(let rejection):
                context.record.decide(.reject, .wouldBlock)
                context.record.fail(rejection.code)
            }
            context.finish(.passed)
        } catch {
            context.record.decide(.none, .continue)
            context.record.fail(error.code)
            context.finish(.failed)
        }
        return .proceed
    }
}

extension RequestStageRunner where Plugin: InlineRequestPlugin {
    @inline(__always)
    func runNow(_ request: inout GatewayRequest, _ record: borrowing RequestRecord) -> StageResult {
        var context = StageContext<Plugin>(record.openStage(self.identity))
        if self.countsTokens { request.keepOriginal() }
        do {
            let verdict = try self.plugin.decide(&request, &context)
            self.measure(verdict, &request, &context)
            return Self.conclude(verdict, context)
        } catch {
            if self.countsTokens { request.dropOriginal() }
            return Self.fail(error, context)
        }
    }
}
