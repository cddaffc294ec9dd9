import Dispatch
import Glibc
import Synchronization

/// Runs blocking work off the cooperative pool.
enum Blocking {
    static func run(_ work: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                work()
                continuation.resume()
            }
        }
    }
}

/// Raised once, by a second signal to stop.
final class HurryFlag: Sendable {
    private let value = Atomic<Bool>(false)
    var isRaised: Bool { self.value.load(ordering: .acquiring) }
    func raise() { self.value.store(true, ordering: .releasing) }
}

/// Lines for the person at the terminal.
enum StandardError {
    static func print(_ text: String) {
        var text = text + "\n"
        text.withUTF8 { bytes in
            var offset = 0
            while offset < bytes.count {
                let written = write(2, bytes.baseAddress! + offset, bytes.count - offset)
                if written < 0 && errno != EINTR { return }
                offset += max(0, written)
            }
        }
    }
}
