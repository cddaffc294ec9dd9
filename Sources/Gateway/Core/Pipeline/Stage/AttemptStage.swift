import Telemetry

/// An attempt plugin with its evidence.
protocol AttemptStage: Sendable {
    /// - Returns: why the attempt cannot be made, or nil.
    func run(_ upstream: inout UpstreamRequest, _ record: borrowing RequestRecord) async -> PluginFailure?
}

struct AttemptStageBox<Plugin: AttemptPlugin>: AttemptStage {
    let plugin: Plugin
    let identity: StageIdentity

    func run(_ upstream: inout UpstreamRequest, _ record: borrowing RequestRecord) async -> PluginFailure? {
        var context = StageContext<Plugin>(record.openStage(self.identity))
        var adjusted = upstream
        do {
            try await self.plugin.prepare(&adjusted, &context)
            if self.identity.mode == .enforce { upstream = adjusted }
            context.record.decide(.modify, .continue)
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
