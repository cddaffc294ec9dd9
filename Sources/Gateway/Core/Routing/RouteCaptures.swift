/// What the groups of a route's regular expression caught.
public struct RouteCaptures: Sendable, Hashable {
    /// Group 1 and up; nil where a group took no part.
    public let numbered: [String?]
    /// Named groups that took part.
    public let named: [String: String]

    init(match: PatternMatch, names: [PatternGroupName], in subject: UnsafeRawBufferPointer) {
        let texts = match.groups.map { range in
            range.map { String(decoding: UnsafeRawBufferPointer(rebasing: subject[$0]), as: UTF8.self) }
        }
        var named: [String: String] = [:]
        for name in names where texts.indices.contains(name.group - 1) {
            if let text = texts[name.group - 1] { named[name.name] = text }
        }
        self.numbered = texts
        self.named = named
    }
}
