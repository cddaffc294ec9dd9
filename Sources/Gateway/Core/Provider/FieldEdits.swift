import GatewayWire

/// Changes of a request's fields that are the same for many requests: prepared once, applied without looking at names again.
public struct FieldEdits: Sendable {
    /// Names not to be sent as the client sent them.
    private var skipped: KnownFieldSet = []
    /// The same for names outside the known ones.
    private var removed: [String] = []
    private var lines = FieldLines()

    public init() {}

    /// Puts one field in the place of all fields with this name; false when name or value cannot stand in a message.
    @discardableResult
    public mutating func set(_ name: String, _ value: String) -> Bool {
        guard self.lines.add(name: name, value) else { return false }
        self.remove(name)
        return true
    }

    /// Takes all fields with this name out.
    public mutating func remove(_ name: String) {
        if let known = KnownField(name: name) { self.skipped.insert(known) } else { self.removed.append(name) }
    }

    /// Applies the changes to what of a client's fields goes to the upstream.
    func apply(to head: inout ForwardedHead) {
        head.skipped = head.skipped.union(self.skipped)
        for name in self.removed { head.fields.remove(name: name) }
        head.lines.add(self.lines)
    }
}
