import CYAML
import GatewayCore

/// One libyaml event, copied out of C.
enum YAMLEvent {
    case streamEnd
    case documentStart
    case documentEnd
    case alias(String)
    case scalar(text: String, isPlain: Bool, tag: String?, anchor: String?)
    case sequenceStart(anchor: String?)
    case sequenceEnd
    case mappingStart(anchor: String?)
    case mappingEnd
}

/// Pulls events from libyaml. Owns the C parser; the bytes must outlive it.
struct YAMLEventReader: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let event: UnsafeMutablePointer<yaml_event_t>
    /// Where the last event began.
    private(set) var position = DocumentPosition(line: 1, column: 1)

    init(bytes: UnsafeBufferPointer<UInt8>) throws(ConfigurationError) {
        self.parser = .allocate(capacity: 1)
        self.event = .allocate(capacity: 1)
        guard yaml_parser_initialize(self.parser) == 1 else {
            self.parser.deallocate()
            self.event.deallocate()
            throw DocumentProblem.error(1, "no memory for the YAML reader")
        }
        yaml_parser_set_encoding(self.parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(self.parser, bytes.baseAddress, bytes.count)
    }

    deinit {
        yaml_parser_delete(self.parser)
        self.parser.deallocate()
        self.event.deallocate()
    }

    /// The next event; the stream's start is passed over.
    mutating func next() throws(ConfigurationError) -> YAMLEvent {
        while true {
            guard yaml_parser_parse(self.parser, self.event) == 1 else { throw self.failure() }
            defer { yaml_event_delete(self.event) }
            let mark = self.event.pointee.start_mark
            self.position = DocumentPosition(line: mark.line + 1, column: mark.column + 1)
            if let event = self.convert() { return event }
        }
    }

    private func convert() -> YAMLEvent? {
        switch self.event.pointee.type {
        case YAML_STREAM_END_EVENT: return .streamEnd
        case YAML_DOCUMENT_START_EVENT: return .documentStart
        case YAML_DOCUMENT_END_EVENT: return .documentEnd
        case YAML_ALIAS_EVENT: return .alias(Self.text(self.event.pointee.data.alias.anchor) ?? "")
        case YAML_SEQUENCE_START_EVENT: return .sequenceStart(anchor: Self.text(self.event.pointee.data.sequence_start.anchor))
        case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
        case YAML_MAPPING_START_EVENT: return .mappingStart(anchor: Self.text(self.event.pointee.data.mapping_start.anchor))
        case YAML_MAPPING_END_EVENT: return .mappingEnd
        case YAML_SCALAR_EVENT:
            let scalar = self.event.pointee.data.scalar
            let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            return .scalar(
                text: String(decoding: bytes, as: UTF8.self), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE,
                tag: Self.text(scalar.tag), anchor: Self.text(scalar.anchor))
        default: return nil
        }
    }

    private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private func failure() -> ConfigurationError {
        let parser = self.parser.pointee
        let problem = parser.problem.map { String(cString: $0) } ?? "is not readable"
        if parser.error == YAML_READER_ERROR {
            return DocumentProblem.error(Int(parser.mark.line) + 1, "the text is not valid: \(problem)")
        }
        let line = Int(parser.problem_mark.line) + 1
        let column = Int(parser.problem_mark.column) + 1
        var context = ""
        if let text = parser.context.map({ String(cString: $0) }) {
            context = " \(text)"
            let started = Int(parser.context_mark.line) + 1
            if started != line { context += " that began at line \(started)" }
        }
        var hint: String?
        if problem.contains("cannot start any token") { hint = "indent with spaces, and put values that begin with a special character in quotes" }
        if problem.contains("mapping values are not allowed") { hint = "put a value that contains ': ' in quotes" }
        return DocumentProblem.error(line, "YAML error at column \(column)\(context): \(problem)", hint: hint)
    }
}
