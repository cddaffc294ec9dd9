import NIOCore
import Telemetry

/// A response plugin with its evidence.
protocol ResponseStage: AnyObject, Sendable {
    var need: ResponseNeed { get }
    func run(_ response: inout GatewayResponse, _ record: borrowing RequestRecord) async -> StageResult
    /// Records that the response was too large for the stage, which did not see it.
    func skip(_ record: borrowing RequestRecord)
}

final class ResponseStageBox<Plugin: ResponsePlugin>: ResponseStage {
    let plugin: Plugin
    let identity: StageIdentity

    init(plugin: Plugin, identity: StageIdentity) {
        self.plugin = plugin
        self.identity = identity
    }

    var need: ResponseNeed { self.plugin.need }

    func skip(_ record: borrowing RequestRecord) {
        var scope = record.openStage(self.identity)
        scope.decide(.none, .continue)
        scope.fail("response_too_large")
        scope.finish(.failed)
    }

    func run(_ response: inout GatewayResponse, _ record: borrowing RequestRecord) async -> StageResult {
        var context = StageContext<Plugin>(record.openStage(self.identity))
        let enforces = self.identity.mode == .enforce
        var changed = response
        do {
            switch try await self.plugin.handle(&changed, &context) {
            case .pass:
                context.record.decide(.pass, .continue)
                context.finish(.passed)
            case .modified:
                context.record.addBytesDelta(changed.body.readableBytes - response.body.readableBytes)
                if enforces { response = changed }
                context.record.decide(.modify, .continue)
                context.finish(enforces ? .modified : .passed)
            case .reject(let rejection):
                context.record.decide(.reject, enforces ? .block : .continue)
                context.record.fail(rejection.code)
                context.finish(enforces ? .rejected : .passed)
                if enforces { return .reject(rejection) }
            }
            return .proceed
        } catch {
            context.record.decide(.none, enforces ? .fail : .continue)
            context.record.fail(error.code)
            context.finish(Task.isCancelled ? .cancelled : .failed)
            return enforces ? .fail(error) : .proceed
        }
    }
}
