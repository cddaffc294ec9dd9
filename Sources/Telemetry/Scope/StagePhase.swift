/// Where in a request's life a stage ran; the `pellucid.stage.phase` attribute.
public enum StagePhase: UInt8, Sendable, CaseIterable {
    case request, attempt, response, stream

    public var name: StaticString {
        switch self {
        case .request: "request"
        case .attempt: "attempt"
        case .response: "response"
        case .stream: "stream"
        }
    }
}

/// Whether a stage acts on its verdict; the `pellucid.stage.mode` attribute.
public enum StageMode: UInt8, Sendable {
    case enforce
    /// The stage judges and is measured, and the pipeline ignores the verdict.
    case shadow

    public var name: StaticString { self == .enforce ? "enforce" : "shadow" }
}

/// What a stage decided about the traffic, kept apart from what the pipeline then did; the `pellucid.stage.verdict` attribute.
public enum StageVerdict: UInt8, Sendable {
    case none, pass, modify, respond, reject

    public var name: StaticString {
        switch self {
        case .none: "none"
        case .pass: "pass"
        case .modify: "modify"
        case .respond: "respond"
        case .reject: "reject"
        }
    }
}

/// What the pipeline did after a stage; the `pellucid.stage.action` attribute.
public enum StageAction: UInt8, Sendable {
    case `continue`, answer, block, fail, stop
    /// In shadow mode nothing was done; these say what would have been.
    case wouldAnswer, wouldBlock, wouldModify

    public var name: StaticString {
        switch self {
        case .continue: "continue"
        case .answer: "answer"
        case .block: "block"
        case .fail: "fail"
        case .stop: "stop"
        case .wouldAnswer: "would_answer"
        case .wouldBlock: "would_block"
        case .wouldModify: "would_modify"
        }
    }
}
