import Glibc

/// The environment of the process, read once. Kong's settings that are empty are left out: Kong takes them as not set, and `NAME=` is how many tools write that.
enum ProcessEnvironment {
    static let current: [String: String] = {
        let settings = Set(KongSetting.allCases.map(\.variable))
        return ProcessEnvironment.all.filter { !settings.contains($0.key) || !$0.value.allSatisfy(\.isWhitespace) }
    }()

    private static var all: [String: String] {
        var result: [String: String] = [:]
        var entry = environ
        while let pointer = entry.pointee {
            let text = String(cString: pointer)
            if let equals = text.firstIndex(of: "=") { result[String(text[..<equals])] = String(text[text.index(after: equals)...]) }
            entry += 1
        }
        return result
    }
}
