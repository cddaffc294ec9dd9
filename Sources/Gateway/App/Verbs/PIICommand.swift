import ArgumentParser
import GatewayPII
import GatewayWire
import Glibc
import NIOCore

/// `pellucid pii`: the detector of personal data by itself.
struct PIICommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "pii", abstract: "Look for personal data as ai-sanitizer does.", subcommands: [Scan.self])

    /// Reads lines from standard input and says where personal data stands in each. Never prints content.
    struct Scan: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "scan", abstract: "Read JSON lines with a member \"text\" and print the places of personal data, one JSON line each.",
            discussion: """
                A line {"text":"I am Emily Carter"} gives {"spans":[{"start":5,"end":17,"type":"PERSON","score":0.94}]}: bytes of the text in UTF-8, Kong's entity
                types, and how sure the finding is. The exit status is 1 when a line could not be read; its answer then holds "error".
                """)

        @Flag(help: "Each line is a text itself, not JSON.") var plain = false
        @Option(help: "Only these entity types, comma-separated, such as PERSON,EMAIL_ADDRESS.") var types: String?
        @Option(help: "Only findings that are at least so sure, 0 to 1.") var minimumScore = 0.0

        func run() throws {
            let detector = PIIDetector(categories: try self.categories())
            var input = LineInput()
            var output = ByteBuffer()
            var failed = false
            while let line = input.next() {
                if let text = self.plain ? line : Self.text(of: line) {
                    let spans = text.withUnsafeReadableBytes { detector.detect($0) }
                    Self.write(spans.filter { Double($0.score) >= self.minimumScore * 100 }, to: &output)
                } else {
                    failed = true
                    output.writeString("{\"error\":\"the line is not a JSON object with a text\",\"spans\":[]}\n")
                }
                if output.readableBytes > 65_536 { LineInput.flush(&output) }
            }
            LineInput.flush(&output)
            if failed { throw ExitCode(1) }
        }

        private func categories() throws -> PIICategories {
            guard let types = self.types else { return .all }
            var categories: PIICategories = []
            for name in types.split(separator: ",") {
                guard let category = PIICategory.allCases.first(where: { "\($0.entityType)" == name }) else {
                    throw ValidationError("\"\(name)\" is not an entity type; there are \(PIICategory.allCases.map { "\($0.entityType)" }.joined(separator: ", "))")
                }
                categories.insert(PIICategories(category))
            }
            return categories
        }

        private static func text(of line: ByteBuffer) -> ByteBuffer? {
            guard let document = try? JSONDocument(line) else { return nil }
            return document["text"]?.text
        }

        private static func write(_ spans: [PIISpan], to output: inout ByteBuffer) {
            var writer = JSONWriter()
            writer.beginObject()
            writer.key("spans")
            writer.beginArray()
            for span in spans {
                writer.beginObject()
                writer.key("start")
                writer.number(span.range.lowerBound)
                writer.key("end")
                writer.number(span.range.upperBound)
                writer.key("type")
                writer.string(span.category.entityType)
                writer.key("score")
                writer.number(Double(span.score) / 100)
                writer.endObject()
            }
            writer.endArray()
            writer.endObject()
            output.writeImmutableBuffer(writer.buffer)
            output.writeString("\n")
        }
    }
}

/// Lines of standard input, however long, without their ends.
private struct LineInput {
    private var buffer = ByteBuffer()
    private var isAtEnd = false

    mutating func next() -> ByteBuffer? {
        while true {
            if let index = self.buffer.readableBytesView.firstIndex(of: 0x0A) {
                let line = self.buffer.readSlice(length: index - self.buffer.readerIndex)
                self.buffer.moveReaderIndex(forwardBy: 1)
                return line
            }
            if self.isAtEnd { return self.buffer.readableBytes > 0 ? self.buffer.readSlice(length: self.buffer.readableBytes) : nil }
            self.buffer.discardReadBytes()
            let count = self.buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 262_144) { max(0, read(STDIN_FILENO, $0.baseAddress, $0.count)) }
            if count == 0 { self.isAtEnd = true }
        }
    }

    static func flush(_ output: inout ByteBuffer) {
        while output.readableBytes > 0 {
            let count = output.withUnsafeReadableBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            output.moveReaderIndex(forwardBy: count)
        }
        output.clear()
    }
}
