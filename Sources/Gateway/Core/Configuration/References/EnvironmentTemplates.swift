/// decK's `${{ env "DECK_NAME" }}` in the text of a file.
///
/// decK replaces templates in the text before YAML is read, so a template may stand inside quotes that its own quotes would end:
/// `"Bearer ${{ env "DECK_KEY" }}"`. Doing the same with the value itself would let a value change the structure of the file. So the
/// templates become markers of the same length before parsing, and markers become values afterwards, in scalars only.
/// Source: https://developer.konghq.com/deck/reference/environment-variables/
struct EnvironmentTemplates {
    private struct Template {
        let expression: String
        let line: Int
    }

    // Private-use characters frame the number of the template; the loader refuses a file that has templates and these characters.
    private static let open: Unicode.Scalar = "\u{F6F1}"
    private static let close: Unicode.Scalar = "\u{F6F2}"

    private var templates: [Template] = []
    /// The text with markers in place of templates.
    private(set) var text: String
    private let environment: [String: String]
    private let allowedNames: Set<String>

    /// Whether a text contains the characters that mark templates.
    static func hasMarkers(_ text: String) -> Bool { text.unicodeScalars.contains { $0 == Self.open || $0 == Self.close } }

    /// Whether the text has any template.
    var isEmpty: Bool { self.templates.isEmpty }

    /// Whether a text may hold templates at all: a cheap test that spares most files the search.
    static func mayOccur(in text: String) -> Bool { text.utf8.contains(0x24) && text.firstRange(of: "${{") != nil }

    init(text: String, environment: [String: String], allowedNames: Set<String>) {
        self.environment = environment
        self.allowedNames = allowedNames
        self.text = ""
        self.text.reserveCapacity(text.utf8.count)
        var result = String.UnicodeScalarView()
        var rest = text.unicodeScalars[...]
        var line = 1
        while let start = rest.firstIndex(of: "$") {
            line += rest[..<start].reduce(0) { $1 == "\n" ? $0 + 1 : $0 }
            result.append(contentsOf: rest[..<start])
            rest = rest[start...]
            guard rest.starts(with: "${{".unicodeScalars), let end = Self.end(of: rest) else {
                result.append("$")
                rest = rest.dropFirst()
                continue
            }
            let whole = rest[..<end]
            self.templates.append(Template(expression: String(String.UnicodeScalarView(whole.dropFirst(3).dropLast(2))), line: line))
            result.append(contentsOf: Self.marker(self.templates.count - 1, length: whole.count))
            rest = rest[end...]
        }
        result.append(contentsOf: rest)
        self.text = String(result)
    }

    private static func end(of rest: Substring.UnicodeScalarView) -> Substring.UnicodeScalarView.Index? {
        var previous: Unicode.Scalar = " "
        var index = rest.index(rest.startIndex, offsetBy: 3)
        while index < rest.endIndex {
            let scalar = rest[index]
            if scalar == "\n" { return nil }
            if scalar == "}", previous == "}" { return rest.index(after: index) }
            previous = scalar
            index = rest.index(after: index)
        }
        return nil
    }

    private static func marker(_ number: Int, length: Int) -> String.UnicodeScalarView {
        var digits = String(number)
        while digits.count < length - 2 { digits = "0" + digits }
        return "\(Self.open)\(digits)\(Self.close)".unicodeScalars
    }

    /// The document with every marker replaced; what cannot be resolved is reported to `context`.
    func resolve(_ node: DocumentNode, path: String, context: ConfigurationContext) -> DocumentNode {
        switch node.content {
        case .scalar(let scalar):
            guard scalar.text.unicodeScalars.contains(Self.open) else { return node }
            let text = self.replaceMarkers(in: scalar.text, at: path, context)
            let replaced: DocumentScalar = scalar.isPlain ? .plain(text, origin: .environment) : .string(text, origin: .environment)
            return DocumentNode(.scalar(replaced), at: node.position)
        case .sequence(let elements):
            let resolved = elements.enumerated().map { self.resolve($1, path: "\(path)[\($0)]", context: context) }
            return DocumentNode(.sequence(resolved), at: node.position)
        case .mapping(let entries):
            let resolved = entries.map { entry in
                let key = entry.key.unicodeScalars.contains(Self.open) ? self.replaceMarkers(in: entry.key, at: path, context) : entry.key
                let inner = path.isEmpty ? key : "\(path).\(key)"
                return DocumentEntry(key: key, keyPosition: entry.keyPosition, value: self.resolve(entry.value, path: inner, context: context))
            }
            return DocumentNode(.mapping(resolved), at: node.position)
        }
    }

    private func replaceMarkers(in text: String, at path: String, _ context: ConfigurationContext) -> String {
        var result = ""
        var number: Int?
        for scalar in text.unicodeScalars {
            if scalar == Self.open {
                number = 0
            } else if scalar == Self.close {
                if let index = number, self.templates.indices.contains(index) {
                    result += self.value(of: self.templates[index], at: path, context)
                }
                number = nil
            } else if let current = number {
                number = min(current, 1_000_000) * 10 + Int(scalar.value &- 48)
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private func value(of template: Template, at path: String, _ context: ConfigurationContext) -> String {
        func fail(_ problem: String, _ hint: String? = nil) -> String {
            context.report(ConfigurationIssue(path: path, line: template.line, problem: problem, hint: hint))
            return ""
        }
        // Pipes (`| toInt`, `| toBool`, `| indent 4`) only change how decK pastes the text; typing here follows the scalar's style.
        let call = template.expression.split(separator: "|", maxSplits: 1).first ?? ""
        let words = call.split(whereSeparator: { $0 == " " || $0 == "\t" })
        guard words.count == 2, words[0] == "env", let name = Self.unquoted(words[1]) else {
            return fail("is a template that is not understood", "write ${{ env \"DECK_NAME\" }}")
        }
        guard name.hasPrefix("DECK_") || self.allowedNames.contains(name) else {
            return fail("the environment variable \(name) may not be read", "name it DECK_\(name), or allow it on the command line")
        }
        guard let value = self.environment[name] else {
            return fail("the environment variable \(name) is not set")
        }
        context.note(secret: value)
        return value
    }

    private static func unquoted(_ word: Substring) -> String? {
        // A template inside a double-quoted scalar may have its quotes escaped.
        var word = word
        if word.hasPrefix("\\\""), word.hasSuffix("\\\"") { word = word.dropFirst().dropLast(2) + "\"" }
        guard word.count > 2, let quote = word.first, quote == "\"" || quote == "'" || quote == "`", word.last == quote else { return nil }
        let name = word.dropFirst().dropLast()
        guard name.utf8.allSatisfy({ ASCII.isAlphanumeric($0) || $0 == 0x5F }) else { return nil }
        return String(name)
    }
}
