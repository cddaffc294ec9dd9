import GatewayCore

/// Builds a document from YAML events: expands aliases, applies merge keys, refuses duplicate keys, keeps to the limits.
struct DocumentBuilder {
    private let limits: YAMLDocumentParser.Limits
    private var anchors: [String: (node: DocumentNode, size: Int, depth: Int)] = [:]
    private var nodes = 0
    private var aliasNodes = 0

    init(limits: YAMLDocumentParser.Limits) {
        self.limits = limits
    }

    /// The one document of the stream.
    mutating func build(from reader: inout YAMLEventReader) throws(ConfigurationError) -> DocumentNode {
        guard case .documentStart = try reader.next() else { throw DocumentProblem.error(1, "the file is empty") }
        let root = try self.node(try reader.next(), &reader, depth: 0)
        guard case .documentEnd = try reader.next() else { throw DocumentProblem.error(reader.position.line, "the document does not end") }
        if case .documentStart = try reader.next() {
            throw DocumentProblem.error(reader.position.line, "a second document begins here", hint: "put one document in a file")
        }
        return root
    }

    private mutating func node(_ event: YAMLEvent, _ reader: inout YAMLEventReader, depth: Int) throws(ConfigurationError) -> DocumentNode {
        let position = reader.position
        try self.count(position)
        guard depth <= self.limits.maximumDepth else {
            throw DocumentProblem.error(position.line, "is nested more than \(self.limits.maximumDepth) levels deep")
        }
        switch event {
        case .alias(let name):
            return try self.alias(name, position, depth)
        case .scalar(let text, let isPlain, let tag, let anchor):
            let scalar = try self.scalar(text, isPlain, tag, position)
            let node = DocumentNode(.scalar(scalar), at: position)
            if let anchor { self.anchors[anchor] = (node, 1, 0) }
            return node
        case .sequenceStart(let anchor):
            let before = self.nodes
            let node = DocumentNode(.sequence(try self.sequence(&reader, depth: depth)), at: position)
            if let anchor { self.anchors[anchor] = (node, self.nodes - before + 1, Self.depth(of: node)) }
            return node
        case .mappingStart(let anchor):
            let before = self.nodes
            let node = DocumentNode(.mapping(try self.mapping(&reader, depth: depth)), at: position)
            if let anchor { self.anchors[anchor] = (node, self.nodes - before + 1, Self.depth(of: node)) }
            return node
        case .streamEnd, .documentStart, .documentEnd, .sequenceEnd, .mappingEnd:
            throw DocumentProblem.error(position.line, "the document ends too early")
        }
    }

    private mutating func count(_ position: DocumentPosition) throws(ConfigurationError) {
        self.nodes += 1
        guard self.nodes <= self.limits.maximumNodes else {
            throw DocumentProblem.error(position.line, "the document has more than \(self.limits.maximumNodes) values")
        }
    }

    private mutating func alias(_ name: String, _ position: DocumentPosition, _ outer: Int) throws(ConfigurationError) -> DocumentNode {
        guard let (node, size, inner) = self.anchors[name] else {
            throw DocumentProblem.error(position.line, "an alias refers to no anchor before it", hint: "put a value that begins with * in quotes")
        }
        // An alias may bring depth of its own, and aliases of aliases more.
        guard outer + inner <= self.limits.maximumDepth else {
            throw DocumentProblem.error(position.line, "is nested more than \(self.limits.maximumDepth) levels deep")
        }
        self.aliasNodes += size
        self.nodes += size - 1
        guard self.aliasNodes <= self.limits.maximumAliasNodes else {
            throw DocumentProblem.error(position.line, "aliases expand to more than \(self.limits.maximumAliasNodes) values")
        }
        return node
    }

    private static func depth(of node: DocumentNode) -> Int {
        switch node.content {
        case .scalar: 0
        case .sequence(let elements): 1 + (elements.map { Self.depth(of: $0) }.max() ?? 0)
        case .mapping(let entries): 1 + (entries.map { Self.depth(of: $0.value) }.max() ?? 0)
        }
    }

    private func scalar(_ text: String, _ isPlain: Bool, _ tag: String?, _ position: DocumentPosition) throws(ConfigurationError) -> DocumentScalar {
        switch tag {
        case nil: return isPlain ? .plain(text) : .string(text)
        case "!", "tag:yaml.org,2002:str": return .string(text)
        case "tag:yaml.org,2002:null", "tag:yaml.org,2002:bool", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float": return .plain(text)
        // Neither is named: both may be a value that lacks its quotes, and that a secret.
        default: throw DocumentProblem.error(position.line, "the tag is not supported", hint: "remove it, or put a value that begins with ! in quotes")
        }
    }

    private mutating func sequence(_ reader: inout YAMLEventReader, depth: Int) throws(ConfigurationError) -> [DocumentNode] {
        var elements: [DocumentNode] = []
        while true {
            let event = try reader.next()
            if case .sequenceEnd = event { return elements }
            elements.append(try self.node(event, &reader, depth: depth + 1))
        }
    }

    private mutating func mapping(_ reader: inout YAMLEventReader, depth: Int) throws(ConfigurationError) -> [DocumentEntry] {
        var entries = UniqueEntries()
        var merged: [DocumentEntry] = []
        while true {
            let event = try reader.next()
            let position = reader.position
            if case .mappingEnd = event { break }
            let key: DocumentNode = try self.node(event, &reader, depth: depth + 1)
            guard let scalar = key.scalar else { throw DocumentProblem.error(position.line, "a key must be a word, not \(key.kindDescription)") }
            let value = try self.node(try reader.next(), &reader, depth: depth + 1)
            if scalar.isPlain, scalar.text == "<<" {
                merged += try Self.mergeEntries(value, position)
            } else {
                try entries.add(scalar.text, position, value)
            }
        }
        for entry in merged where !entries.contains(entry.key) { try entries.add(entry.key, entry.keyPosition, entry.value) }
        return entries.entries
    }

    private static func mergeEntries(_ value: DocumentNode, _ position: DocumentPosition) throws(ConfigurationError) -> [DocumentEntry] {
        if let entries = value.entries { return entries }
        var result: [DocumentEntry] = []
        guard let elements = value.elements else { throw DocumentProblem.error(position.line, "'<<' needs a mapping or a list of mappings") }
        for element in elements {
            guard let entries = element.entries else { throw DocumentProblem.error(position.line, "'<<' needs a mapping or a list of mappings") }
            result += entries
        }
        return result
    }
}

/// The entries of one mapping, each key once.
struct UniqueEntries {
    private(set) var entries: [DocumentEntry] = []
    // Most mappings are small, and comparing a few short keys is cheaper than hashing them.
    private var lines: [String: Int] = [:]

    func contains(_ key: String) -> Bool { self.line(of: key) != nil }

    mutating func add(_ key: String, _ position: DocumentPosition, _ value: DocumentNode) throws(ConfigurationError) {
        if let first = self.line(of: key) {
            throw DocumentProblem.error(position.line, "the key \"\(key)\" is given twice, first at line \(first)", hint: "keep one of them")
        }
        if self.entries.isEmpty { self.entries.reserveCapacity(8) }
        self.entries.append(DocumentEntry(key: key, keyPosition: position, value: value))
        if self.entries.count == 17 {
            for entry in self.entries { self.lines[entry.key] = entry.keyPosition.line }
        } else if self.entries.count > 17 {
            self.lines[key] = position.line
        }
    }

    private func line(of key: String) -> Int? {
        if self.entries.count > 16 { return self.lines[key] }
        for entry in self.entries where entry.key == key { return entry.keyPosition.line }
        return nil
    }
}
