public import GatewayCore
public import GatewayWire
import NIOCore
public import Telemetry

/// `ai-prompt-guard`: refuses prompts that match a denied pattern, or none of the allowed ones. Behaviour: https://developer.konghq.com/plugins/ai-prompt-guard/
///
/// Patterns see bytes, as Kong's do. The text as sent is matched first; a copy with evasions by spelling undone can only add denials. A pattern that reaches its
/// limits counts against the request: a denied one as matched, an allowed one as not matched.
public final class AIPromptGuard: PromptPlugin {
    public static let descriptor = PluginDescriptor(name: "ai-prompt-guard", priority: 771, auditPath: "ai.prompt-guard")

    public enum Field: EvidenceField {
        /// Why the request was refused: deny_pattern, no_allow_pattern, pattern_limit, no_prompt.
        case reason
        /// Which pattern of its list, from 0.
        case pattern
        /// The text that matched: raw, normalized or base64.
        case view
        /// Length of the text looked at.
        case textBytes

        public var key: StaticString {
            switch self {
            case .reason: "pellucid.prompt_guard.reason"
            case .pattern: "pellucid.prompt_guard.pattern"
            case .view: "pellucid.prompt_guard.view"
            case .textBytes: "pellucid.prompt_guard.text_bytes"
            }
        }
    }

    private let configuration: AIPromptGuardConfiguration
    private let allow: [any CompiledPattern]
    private let deny: [any CompiledPattern]
    /// `_pellucid.decode_base64`: denied patterns are also looked for in what parts of the text are in base64.
    private let decodesBase64: Bool
    /// `_pellucid.match_homoglyphs`: look-alike letters are replaced in all words, not only in those that also have Latin ones.
    private let matchesHomoglyphs: Bool

    public init(configuration: AIPromptGuardConfiguration, services: PluginServices) throws(ConfigurationError) {
        self.configuration = configuration
        self.decodesBase64 = try services.ownSwitch("decode_base64")
        self.matchesHomoglyphs = try services.ownSwitch("match_homoglyphs")
        self.allow = try GuardPatterns.compile(configuration.allowPatterns, field: "allow_patterns", services)
        self.deny = try GuardPatterns.compile(configuration.denyPatterns, field: "deny_patterns", services)
    }

    public var maximumRequestBodyBytes: Int { self.configuration.maximumRequestBodyBytes }

    public func judge(_ document: JSONDocument, _ request: inout GatewayRequest, _ context: inout StageContext<AIPromptGuard>) -> RequestVerdict {
        let prompt = PromptReader.read(document, as: self.configuration.format)
        guard prompt.hasPrompt else { return self.refuse(Finding(reason: "no_prompt"), &context) }
        let text = self.text(of: prompt)
        context.set(.textBytes, .int(Int64(text.readableBytes)))
        guard let finding = text.withUnsafeReadableBytes({ self.judge($0) }) else { return .pass }
        return self.refuse(finding, &context)
    }

    /// Why a request is refused.
    private struct Finding {
        let reason: StaticString
        var pattern: Int?
        var view: StaticString?
    }

    /// Kong's answer hides that a guard is at work; the evidence says all.
    private func refuse(_ finding: Finding, _ context: inout StageContext<AIPromptGuard>) -> RequestVerdict {
        context.set(.reason, .name(finding.reason))
        if let pattern = finding.pattern { context.set(.pattern, .int(Int64(pattern))) }
        if let view = finding.view { context.set(.view, .name(view)) }
        return .reject(Rejection(status: 400, code: finding.reason, message: "bad request", shape: self.configuration.format.refusalShape, shownCode: "bad_request"))
    }

    /// The texts looked at, newest message first, separated by blanks: the subject Kong's patterns are written for.
    private func text(of prompt: Prompt) -> ByteBuffer {
        let isSeen = { (part: PromptPart) in self.configuration.matchesAllRoles || (part.role == .user && part.kind == .content) }
        guard let only = prompt.parts.firstIndex(where: isSeen) else { return ByteBuffer() }
        if !prompt.parts[(only + 1)...].contains(where: isSeen) { return prompt.parts[only].view.text ?? ByteBuffer() }
        let seen = prompt.parts.filter(isSeen)
        let last = self.configuration.ignoresHistory ? seen.last?.message : nil
        var text = ByteBuffer()
        var end = seen.count
        while end > 0 {
            var start = end - 1
            while start > 0, seen[start - 1].message == seen[end - 1].message { start -= 1 }
            if let last, seen[start].message != last { break }
            for part in seen[start..<end] {
                if text.readableBytes > 0 { text.writeStaticString(" ") }
                if let content = part.view.text { text.writeImmutableBuffer(content) }
            }
            end = start
        }
        return text
    }

    private func judge(_ text: UnsafeRawBufferPointer) -> Finding? {
        if let finding = self.denial(of: text, view: "raw") { return finding }
        if !self.deny.isEmpty, let finding = self.denialInCopies(of: text, view: "normalized") { return finding }
        guard !self.allow.isEmpty else { return nil }
        var limited: Int?
        for (index, pattern) in self.allow.enumerated() {
            do throws(PatternFailure) {
                if try pattern.firstRange(in: text, from: 0) != nil { return nil }
            } catch { limited = limited ?? index }
        }
        return limited.map { Finding(reason: "pattern_limit", pattern: $0, view: "raw") } ?? Finding(reason: "no_allow_pattern")
    }

    /// Copies only ever add denials: none of them is what an allowed pattern matches.
    private func denialInCopies(of text: UnsafeRawBufferPointer, view: StaticString) -> Finding? {
        if let copy = TextNormalizer.shared.normalized(text, allHomoglyphs: self.matchesHomoglyphs), let finding = copy.withUnsafeBytes({ self.denial(of: $0, view: view) }) {
            return finding
        }
        guard self.decodesBase64 else { return nil }
        for candidate in Base64Candidates.decoded(in: text) {
            let finding = candidate.withUnsafeBytes { bytes -> Finding? in
                if let finding = self.denial(of: bytes, view: "base64") { return finding }
                guard let copy = TextNormalizer.shared.normalized(bytes, allHomoglyphs: self.matchesHomoglyphs) else { return nil }
                return copy.withUnsafeBytes { self.denial(of: $0, view: "base64") }
            }
            if let finding { return finding }
        }
        return nil
    }

    private func denial(of text: UnsafeRawBufferPointer, view: StaticString) -> Finding? {
        for (index, pattern) in self.deny.enumerated() {
            do throws(PatternFailure) {
                if try pattern.firstRange(in: text, from: 0) != nil { return Finding(reason: "deny_pattern", pattern: index, view: view) }
            } catch { return Finding(reason: "pattern_limit", pattern: index, view: view) }
        }
        return nil
    }
}

/// Patterns of an operator that run on texts of clients: in bytes, and with limits of steps at each place, heap, and time.
enum GuardPatterns {
    /// No step limit a long but harmless text reaches; the time limit keeps the loop.
    static let options: PatternOptions = {
        var options = PatternOptions()
        options.matchLimit = 1_000_000
        options.timeLimitMilliseconds = 50
        return options
    }()

    static func compile(_ patterns: [String], field: String, _ services: PluginServices) throws(ConfigurationError) -> [any CompiledPattern] {
        var compiled: [any CompiledPattern] = []
        for (index, pattern) in patterns.enumerated() {
            do throws(PatternFailure) { compiled.append(try services.patterns.compile(pattern, options: self.options)) } catch {
                throw ConfigurationError(
                    issues: [ConfigurationIssue(path: "config.\(field)[\(index)]", line: 0, problem: "could not be compiled as a regular expression")])
            }
        }
        return compiled
    }
}
