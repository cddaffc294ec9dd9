import GatewayCore
import NIOCore

/// A connection being made: waited for until it is there, or until the client that needs it is gone.
final class PendingConnect: @unchecked Sendable {
    // Unchecked: confined to its loop.
    private let loop: any EventLoop
    private let executor: LoopExecutor
    private var continuation: UnsafeContinuation<Result<Void, UpstreamFailure>, Never>?
    private var isAbandoned = false

    init(loop: any EventLoop, executor: LoopExecutor) {
        self.loop = loop
        self.executor = executor
    }

    /// The outcome; `cancelled` as soon as the task is. A connection that comes later is closed.
    func wait(for future: EventLoopFuture<any Channel>, failure: @escaping @Sendable (any Error) -> UpstreamFailure) async -> Result<Void, UpstreamFailure> {
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                self.continuation = continuation
                future.whenComplete { result in
                    switch result {
                    case .success(let channel):
                        if self.isAbandoned { channel.close(promise: nil) } else { self.settle(.success(())) }
                    case .failure(let error): self.settle(.failure(failure(error)))
                    }
                }
            }
        } onCancel: {
            self.loop.execute {
                self.isAbandoned = self.continuation != nil
                self.settle(.failure(.cancelled))
            }
        }
    }

    private func settle(_ outcome: Result<Void, UpstreamFailure>) {
        guard let continuation else { return }
        self.continuation = nil
        self.executor.hold()
        continuation.resume(returning: outcome)
        self.executor.drain()
    }
}
