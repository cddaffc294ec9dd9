import GatewayCore
import Synchronization

/// The files that vaults of the type `fs` read, and what they looked like when they were read: a secret that is rotated has to reach the gateway.
final class SecretFiles: Sendable {
    /// By path; nil: there was none.
    private let stamps = Mutex<[String: [Int]?]>([:])

    /// Begins anew: what is read from here on belongs to the configuration that is loaded now.
    func begin() { self.stamps.withLock { $0 = [:] } }

    /// Reads a file's text, and remembers what it looked like before.
    func read(_ path: String) -> Result<String, SecretFileReader.Failure> {
        self.stamps.withLock { $0[path] = .some(FileReader.stamp(path)) }
        do throws(FileReader.Failure) { return .success(try FileReader.text(path)) } catch { return .failure(SecretFileReader.Failure(reason: error.reason)) }
    }

    /// What the files look like now; nil: as they were when they were read.
    var change: [String: [Int]?]? {
        let known = self.stamps.withLock { $0 }
        let now = Dictionary(uniqueKeysWithValues: known.keys.map { ($0, FileReader.stamp($0)) })
        return now == known ? nil : now
    }
}
