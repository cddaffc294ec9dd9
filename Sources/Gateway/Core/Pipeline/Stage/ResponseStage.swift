import NIOCore
import Telemetry

/// A response plugin with its evidence.
protocol ResponseStage: AnyObject, Sendable {
    var need: ResponseNeed { get }
    /// Whether the plugin sees streamed responses by its stream half.
    var seesStreams: Bool { get }
    func run(_ response: inout GatewayResponse, _ record: borrowing RequestRecord) async -> StageResult
    /// Records that the stage did not see the response, which was too large or streamed.
    ///
    /// - Returns: why the response must not pass unseen; nil when it may.
    func skip(_ code: StaticString, _ record: borrowing RequestRecord) -> PluginFailure?
}

final class ResponseStageBox<Plugin: ResponsePlugin>: ResponseStage {
    let plugin: Plugin
    let identity: StageIdentity

    init(plugin: Plugin, identity: StageIdentity) {
        self.plugin = plugin
        self.identity = identity
    }

    var need: ResponseNeed { self.plugin.need }

    var seesStreams: Bool { (self.plugin as? any StreamPlugin)?.seesStreams ?? false }

    func skip(_ code: StaticString, _ record: borrowing RequestRecord) -> PluginFailure? {
        let stops = self.plugin.stopsUnseen && self.identity.mode == .enforce
        var scope = record.openStage(self.identity)
        scope.decide(.none, stops ? .fail : .continue)
        scope.fail(code)
        scope.finish(.failed)
        return stops ? PluginFailure(code, message: "\(Plugin.descriptor.name) could not be shown the response") : nil
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
                if Plugin.descriptor.changesText { context.record.addTokensDelta(TokenDelta.of(response.body, changed.body)) }
                if enforces { response = changed }
                context.record.decide(.modify, enforces ? .continue : .wouldModify)
                context.finish(enforces ? .modified : .passed)
            case .reject(let rejection):
                context.record.decide(.reject, enforces ? .block : .wouldBlock)
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
