extension ConfigurationNode {
    /// Decodes the mapping under `key`, or returns nil when it is absent.
    public mutating func object<Value>(_ key: String, _ decode: (inout ConfigurationNode) -> Value) -> Value? {
        guard let value = self.document(key) else { return nil }
        return self.decodeChild(value, self.path(of: key), key, decode)
    }

    /// Decodes the mapping under `key`; when it is absent decodes an empty one, so that every field takes its default.
    public mutating func objectOrDefaults<Value>(_ key: String, _ decode: (inout ConfigurationNode) -> Value) -> Value {
        let value = self.document(key) ?? DocumentNode(.mapping([]), at: self.position)
        return self.decodeChild(value, self.path(of: key), key, decode)
    }

    /// Decodes the mapping under `key`; its absence is one problem, not one a field.
    public mutating func requiredObject<Value>(_ key: String, _ decode: (inout ConfigurationNode) -> Value) -> Value {
        if let value = self.document(key) { return self.decodeChild(value, self.path(of: key), key, decode) }
        self.report("is required", at: key)
        self.context.mutedDepth += 1
        defer { self.context.mutedDepth -= 1 }
        return self.decodeChild(.emptyMapping, self.path(of: key), key, decode)
    }

    /// Decodes each mapping of the list under `key`, or returns nil when it is absent.
    public mutating func optionalObjects<Value>(
        _ key: String, count: ClosedRange<Int> = 0...Int.max, _ decode: (inout ConfigurationNode) -> Value
    ) -> [Value]? {
        guard let elements = self.elements(key, count) else { return nil }
        let base = self.path(of: key)
        var result: [Value] = []
        result.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            let path = "\(base)[\(index)]"
            guard element.entries != nil else {
                self.reportKind("a mapping", element, path, nil, false)
                continue
            }
            result.append(self.decodeChild(element, path, nil, decode))
        }
        return result
    }

    /// Decodes each mapping of the list under `key`; none when it is absent.
    public mutating func objects<Value>(
        _ key: String, count: ClosedRange<Int> = 0...Int.max, _ decode: (inout ConfigurationNode) -> Value
    ) -> [Value] {
        self.optionalObjects(key, count: count, decode) ?? []
    }

    /// Decodes each value of the mapping under `key`, whose keys are the user's own; in the order of the document.
    public mutating func keyedObjects<Value>(
        _ key: String, _ decode: (_ name: String, _ node: inout ConfigurationNode) -> Value
    ) -> [(name: String, value: Value)] {
        guard let entries = self.mapping(key) else { return [] }
        return entries.map { entry in
            let value = self.decodeChild(entry.value, "\(self.path(of: key)).\(entry.key)", nil) { decode(entry.key, &$0) }
            return (entry.key, value)
        }
    }

    /// Decodes a configuration under `key`, or returns nil when it is absent.
    public mutating func configuration<Configuration: GatewayConfiguration>(
        _ key: String, as type: Configuration.Type = Configuration.self
    ) -> Configuration? {
        self.object(key) { Configuration(from: &$0) }
    }

    /// Decodes a configuration under `key`, from an empty mapping when it is absent.
    public mutating func configurationOrDefaults<Configuration: GatewayConfiguration>(
        _ key: String, as type: Configuration.Type = Configuration.self
    ) -> Configuration {
        self.objectOrDefaults(key) { Configuration(from: &$0) }
    }

    /// Reports when some but not all of `keys` are present (Kong's `mutually_required`).
    public func requireTogether(_ keys: String...) {
        let present = keys.filter { self.isPresent($0) }
        guard !present.isEmpty, present.count < keys.count, let first = present.first else { return }
        let missing = keys.filter { !self.isPresent($0) }
        self.report("needs \(ValueDescription.list(missing)) beside it", at: first, hint: "set all or none of \(ValueDescription.list(keys))")
    }

    /// Reports when none of `keys` is present (Kong's `at_least_one_of`).
    public func requireAtLeastOne(of keys: String..., because reason: String? = nil) {
        guard !keys.contains(where: { self.isPresent($0) }) else { return }
        let tail = reason.map { " \($0)" } ?? ""
        self.report("needs at least one of \(ValueDescription.list(keys))\(tail)")
    }

    /// Reports when more than one of `keys` is present (Kong's `mutually_exclusive`).
    public func requireAtMostOne(of keys: String...) {
        let present = keys.filter { self.isPresent($0) }
        guard present.count > 1, let last = present.last else { return }
        self.report("cannot be set together with \(ValueDescription.list(present.dropLast()))", at: last)
    }

    func decodeChild<Value>(
        _ value: DocumentNode, _ path: String, _ key: String?, _ decode: (inout ConfigurationNode) -> Value
    ) -> Value {
        var child = self.child(value, path: path, key: key)
        let result = decode(&child)
        child.finish()
        return result
    }
}
