import GatewayCore
import NIOCore

/// Something on its way to a loop: waited for until it is there, or until the client that needs it is gone.
final class PendingResult<Value: Sendable>: @unchecked Sendable {
    // Unchecked: confined to its loop.
    private let loop: any EventLoop
    private let executor: LoopExecutor
    private let discard: (Value) -> Void
    private var continuation: UnsafeContinuation<Result<Value, UpstreamFailure>, Never>?
    private var isAbandoned = false

    /// - Parameter discard: takes what comes when nobody waits any more.
    init(loop: any EventLoop, executor: LoopExecutor, discard: @escaping (Value) -> Void = { _ in }) {
        self.loop = loop
        self.executor = executor
        self.discard = discard
    }

    /// The outcome; `cancelled` as soon as the task is.
    func wait(for future: EventLoopFuture<Value>, failure: @escaping @Sendable (any Error) -> UpstreamFailure) async -> Result<Value, UpstreamFailure> {
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                self.continuation = continuation
                future.whenComplete { result in
                    switch result {
                    case .success(let value):
                        if self.isAbandoned { self.discard(value) } else { self.settle(.success(value)) }
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

    private func settle(_ outcome: Result<Value, UpstreamFailure>) {
        guard let continuation else { return }
        self.continuation = nil
        self.executor.hold()
        continuation.resume(returning: outcome)
        self.executor.drain()
    }
}
