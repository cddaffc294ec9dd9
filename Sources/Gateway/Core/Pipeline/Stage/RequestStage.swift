import Telemetry

/// What a request stage leaves the pipeline to do.
enum StageResult {
    case proceed
    case respond(GatewayResponse)
    case reject(Rejection)
    case fail(PluginFailure)
}

/// A request plugin with its evidence: the only way to run one.
protocol RequestStage: AnyObject, Sendable {
    func run(_ request: inout GatewayRequest, _ record: borrowing RequestRecord) async -> StageResult
}

final class RequestStageBox<Plugin: RequestPlugin>: RequestStage {
    let plugin: Plugin
    let identity: StageIdentity

    init(plugin: Plugin, identity: StageIdentity) {
        self.plugin = plugin
        self.identity = identity
    }

    func run(_ request: inout GatewayRequest, _ record: borrowing RequestRecord) async -> StageResult {
        if self.identity.mode == .shadow { return await self.runShadow(&request, record) }
        var context = StageContext<Plugin>(record.openStage(self.identity))
        do {
            let verdict = try await self.plugin.handle(&request, &context)
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
        } catch {
            context.record.decide(.none, .fail)
            context.record.fail(error.code)
            context.finish(Task.isCancelled ? .cancelled : .failed)
            return .fail(error)
        }
    }

    /// Judges a copy of the request and changes nothing but that the body may have been read; the verdict is recorded, the action is always to go on.
    private func runShadow(_ request: inout GatewayRequest, _ record: borrowing RequestRecord) async -> StageResult {
        var copy = request.copy()
        let received = ReceivedBody()
        copy.received = received
        defer {
            if case .unread = request.body, let bytes = received.bytes { request.body = .bytes(bytes) }
        }
        var context = StageContext<Plugin>(record.openStage(self.identity))
        do {
            switch try await self.plugin.handle(&copy, &context) {
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
