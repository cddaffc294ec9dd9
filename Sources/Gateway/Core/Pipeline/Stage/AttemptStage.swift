import Telemetry

/// An attempt plugin with its evidence.
protocol AttemptStage: AnyObject, Sendable {
    /// - Returns: why the attempt cannot be made, or nil.
    func run(_ upstream: inout UpstreamRequest, _ record: borrowing RequestRecord) async -> PluginFailure?
}

final class AttemptStageBox<Plugin: AttemptPlugin>: AttemptStage {
    let plugin: Plugin
    let identity: StageIdentity

    init(plugin: Plugin, identity: StageIdentity) {
        self.plugin = plugin
        self.identity = identity
    }

    func run(_ upstream: inout UpstreamRequest, _ record: borrowing RequestRecord) async -> PluginFailure? {
        var context = StageContext<Plugin>(record.openStage(self.identity))
        do {
            if self.identity.mode == .enforce {
                try await self.plugin.prepare(&upstream, &context)
            } else {
                var judged = upstream.copy()
                try await self.plugin.prepare(&judged, &context)
            }
            context.record.decide(.modify, self.identity.mode == .enforce ? .continue : .wouldModify)
            context.finish(.modified)
            return nil
        } catch {
            context.record.decide(.none, self.identity.mode == .enforce ? .fail : .continue)
            context.record.fail(error.code)
            context.finish(Task.isCancelled ? .cancelled : .failed)
            return self.identity.mode == .enforce ? error : nil
        }
    }
}
