import Glibc

/// Why the tool stopped.
enum LoadError: Error, CustomStringConvertible {
    /// A system call failed, with its errno.
    case system(StaticString, Int32)
    /// The command line is wrong; the text says how.
    case usage(String)

    var description: String {
        switch self {
        case .system(let call, let code): "\(call): \(String(cString: strerror(code)))"
        case .usage(let text): text
        }
    }
}
