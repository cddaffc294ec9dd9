/// A refusal by a stage: what the client is told, and the bounded code telemetry gets.
public struct Rejection: Sendable {
    /// How the body is shaped.
    public enum Shape: Sendable {
        /// `{"message":"…","request_id":"…"}`, as Kong answers.
        case kong
        /// `{"error":{"message":…,"type":…,"param":…,"code":…}}`, as OpenAI's API answers.
        case openAI(type: StaticString, parameter: String?)
        /// As the vendor of the client's format answers.
        case model(ModelFormat, parameter: String?)
    }

    public let status: Int
    /// Bounded value of `error.type`.
    public let code: StaticString
    public let message: String
    public private(set) var shape: Shape
    public let headers: [(name: String, value: String)]
    /// The code the client is shown instead of `code`, where that would tell it too much.
    public let shownCode: StaticString?

    public init(status: Int, code: StaticString, message: String, shape: Shape = .kong, headers: [(name: String, value: String)] = [], shownCode: StaticString? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.shape = shape
        self.headers = headers
        self.shownCode = shownCode
    }

    /// The same for clients of a format: what is shaped for OpenAI's becomes what theirs shows.
    func shaped(for format: ModelFormat) -> Rejection {
        guard format != .openai, case .openAI(_, let parameter) = self.shape else { return self }
        var rejection = self
        rejection.shape = .model(format, parameter: parameter)
        return rejection
    }
}
