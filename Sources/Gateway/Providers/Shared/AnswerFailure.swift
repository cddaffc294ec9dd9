import GatewayCore
import GatewayWire

/// What is said of answers that cannot be read.
enum AnswerFailure {
    static func unreadable(_ provider: StaticString) -> ProviderFailure {
        ProviderFailure("answer_unreadable", status: 502, message: "the answer of \(provider) is not in its format")
    }

    /// A status that an error in the middle of a stream names as the one it would have had instead; nil: it names none.
    static func status(_ view: JSONView?) -> Int? { view?.int.flatMap { (400...599).contains($0) ? $0 : nil } }

    /// For an error status without a message that could be read.
    static func message(_ status: Int) -> ChatText { ChatText("The provider answered with status \(status)") }
}
