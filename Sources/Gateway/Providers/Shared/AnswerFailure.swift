import GatewayCore

/// What is said of answers that cannot be read.
enum AnswerFailure {
    static func unreadable(_ provider: StaticString) -> ProviderFailure {
        ProviderFailure("answer_unreadable", status: 502, message: "the answer of \(provider) is not in its format")
    }

    /// For an error status without a message that could be read.
    static func message(_ status: Int) -> ChatText { ChatText("The provider answered with status \(status)") }
}
