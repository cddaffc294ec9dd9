/// How ordinary a word is, in any of the languages covered: for deciding what a text can do without.
public struct CommonWords: Sendable {
    public enum Kind: Sendable { case function, common, other }

    private let lexicon = Lexicon.shared

    public init() {}

    /// - Parameter word: one word in UTF-8; case and accents do not count.
    public func kind(of word: UnsafeBufferPointer<UInt8>) -> Kind {
        let meaning = self.lexicon.meaning(LetterFold.hash(word))
        if !meaning.isDisjoint(with: .languages) || meaning.contains(.nameParticle) || meaning.contains(.particle) { return .function }
        return meaning.contains(.common) ? .common : .other
    }
}
