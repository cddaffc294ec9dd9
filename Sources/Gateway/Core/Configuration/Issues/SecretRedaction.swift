/// Takes values of the environment out of messages, wherever they came in: in a key, a name, a path that was put together from them.
///
/// The last line of defence: values known to be secret are described instead of shown where a message is made. Case is ignored, since
/// host names are lowered before they are checked; a value cut short with `…` is found by its beginning.
struct SecretRedaction {
    /// Shorter values are no secrets, and taking them out would garble every message.
    private static let minimumBytes = 4
    private static let mark = "(from the environment)"

    private let secrets: [[UInt8]]

    init(secrets: [String]) {
        var forms: Set<String> = []
        for secret in secrets where secret.utf8.count >= Self.minimumBytes {
            forms.insert(secret)
            // As it stands inside quotes, line ends and quotes escaped.
            forms.insert(ValueDescription.escaped(secret))
        }
        self.secrets = forms.map { Array($0.utf8).map(ASCII.lowered) }.sorted { $0.count > $1.count }
    }

    func redacted(_ issue: ConfigurationIssue) -> ConfigurationIssue {
        guard !self.secrets.isEmpty else { return issue }
        return ConfigurationIssue(
            path: self.redacted(issue.path), line: issue.line, problem: self.redacted(issue.problem), hint: issue.hint.map { self.redacted($0) },
            severity: issue.severity)
    }

    private func redacted(_ text: String) -> String {
        var bytes = Array(text.utf8)
        var lowered = bytes.map(ASCII.lowered)
        let isCut = text.unicodeScalars.contains("…")
        for secret in self.secrets {
            var start = 0
            while let place = Self.find(secret[...], in: lowered, from: start) {
                Self.replace(place..<place + secret.count, &bytes, &lowered)
                start = place + Self.mark.utf8.count
            }
            guard isCut, secret.count > 8, let place = Self.find(secret.prefix(8), in: lowered, from: 0) else { continue }
            let ellipsis = Self.find(Array("…".utf8)[...], in: lowered, from: place) ?? bytes.count
            Self.replace(place..<ellipsis, &bytes, &lowered)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func replace(_ range: Range<Int>, _ bytes: inout [UInt8], _ lowered: inout [UInt8]) {
        bytes.replaceSubrange(range, with: Array(Self.mark.utf8))
        lowered.replaceSubrange(range, with: Array(Self.mark.utf8))
    }

    private static func find(_ needle: ArraySlice<UInt8>, in text: [UInt8], from start: Int) -> Int? {
        guard let first = needle.first, text.count >= needle.count, start <= text.count - needle.count else { return nil }
        for place in start...(text.count - needle.count) where text[place] == first {
            if text[place..<place + needle.count].elementsEqual(needle) { return place }
        }
        return nil
    }
}
