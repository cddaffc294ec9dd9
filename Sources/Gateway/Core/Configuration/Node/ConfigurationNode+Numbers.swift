extension ConfigurationNode {
    /// The boolean under `key`, or nil when absent.
    public mutating func optionalBool(_ key: String) -> Bool? {
        guard let value = self.document(key) else { return nil }
        if let scalar = value.scalar, case .boolean(let flag) = scalar.value { return flag }
        self.reportKind("true or false", value, self.path(of: key), nil, false)
        return nil
    }

    /// The boolean under `key`, or `fallback`.
    public mutating func bool(_ key: String, default fallback: Bool) -> Bool {
        self.optionalBool(key) ?? fallback
    }

    /// The integer under `key`, or nil when absent.
    public mutating func optionalInt(_ key: String, in range: ClosedRange<Int> = .min ... .max, oneOf allowed: [Int]? = nil) -> Int? {
        guard let value = self.document(key) else { return nil }
        return self.checkedInt(value, self.path(of: key), range, allowed)
    }

    /// The integer under `key`, or `fallback`.
    public mutating func int(
        _ key: String, default fallback: Int, in range: ClosedRange<Int> = .min ... .max, oneOf allowed: [Int]? = nil
    ) -> Int {
        self.optionalInt(key, in: range, oneOf: allowed) ?? fallback
    }

    /// The integer under `key`; its absence is a problem, and the nearest allowed value to 0 is returned.
    public mutating func requiredInt(_ key: String, in range: ClosedRange<Int> = .min ... .max, oneOf allowed: [Int]? = nil) -> Int {
        let harmless = allowed?.first ?? min(max(0, range.lowerBound), range.upperBound)
        guard let value = self.document(key) else {
            self.report("is required", at: key)
            return harmless
        }
        return self.checkedInt(value, self.path(of: key), range, allowed) ?? harmless
    }

    /// The number under `key`, or nil when absent. Integers count as numbers; infinities and NaN do not.
    ///
    /// - Parameter above: an exclusive lower bound (Kong's `gt`).
    public mutating func optionalNumber(
        _ key: String, in range: ClosedRange<Double> = -.greatestFiniteMagnitude ... .greatestFiniteMagnitude, above: Double? = nil
    ) -> Double? {
        guard let value = self.document(key) else { return nil }
        return self.checkedNumber(value, self.path(of: key), range, above)
    }

    /// The number under `key`, or `fallback`.
    public mutating func number(
        _ key: String, default fallback: Double, in range: ClosedRange<Double> = -.greatestFiniteMagnitude ... .greatestFiniteMagnitude,
        above: Double? = nil
    ) -> Double {
        self.optionalNumber(key, in: range, above: above) ?? fallback
    }

    /// A duration in milliseconds that Kong types as a number; parts of one count as a whole.
    public mutating func milliseconds(_ key: String, default fallback: Int) -> Int {
        Int(self.number(key, default: Double(fallback), in: 0...1e15).rounded(.up))
    }

    /// The number under `key`; its absence is a problem, and the lower bound (or 0) is returned.
    public mutating func requiredNumber(
        _ key: String, in range: ClosedRange<Double> = -.greatestFiniteMagnitude ... .greatestFiniteMagnitude, above: Double? = nil
    ) -> Double {
        let harmless = min(max(0, range.lowerBound), range.upperBound)
        guard let value = self.document(key) else {
            self.report("is required", at: key)
            return harmless
        }
        return self.checkedNumber(value, self.path(of: key), range, above) ?? harmless
    }

    func checkedInt(_ value: DocumentNode, _ path: String, _ range: ClosedRange<Int>, _ allowed: [Int]?) -> Int? {
        let integer: Int
        switch value.scalar?.value {
        case .integer(let written): integer = written
        case .number(let written):
            guard let exact = Int(exactly: written) else {
                self.reportKind("an integer", value, path, nil, false)
                return nil
            }
            integer = exact
        default:
            self.reportKind("an integer", value, path, nil, false)
            return nil
        }
        let isHidden = value.scalar?.origin == .environment
        let shown = isHidden ? "the value from the environment" : String(integer)
        if let allowed, !allowed.contains(integer) {
            self.add(value, path, "\(shown) is not one of \(ValueDescription.list(allowed.map { String($0) }))", nil, .error)
            return nil
        }
        guard range.contains(integer) else {
            self.add(value, path, "\(shown) is \(Self.outside(range))", nil, .error)
            return nil
        }
        return integer
    }

    private static func outside(_ range: ClosedRange<Int>) -> String {
        if range.upperBound == .max { return "less than \(range.lowerBound)" }
        if range.lowerBound == .min { return "more than \(range.upperBound)" }
        return "outside \(range.lowerBound) to \(range.upperBound)"
    }

    func checkedNumber(_ value: DocumentNode, _ path: String, _ range: ClosedRange<Double>, _ above: Double?) -> Double? {
        let number: Double
        switch value.scalar?.value {
        case .integer(let written): number = Double(written)
        case .number(let written) where written.isFinite: number = written
        default:
            self.reportKind("a number", value, path, nil, false)
            return nil
        }
        let shown = value.scalar?.origin == .environment ? "the value from the environment" : value.scalar?.text ?? ""
        if let above, number <= above {
            self.add(value, path, "\(shown) is not more than \(Self.short(above))", nil, .error)
            return nil
        }
        guard range.contains(number) else {
            self.add(value, path, "\(shown) is outside \(Self.short(range.lowerBound)) to \(Self.short(range.upperBound))", nil, .error)
            return nil
        }
        return number
    }

    private static func short(_ number: Double) -> String {
        Int(exactly: number).map { String($0) } ?? String(number)
    }
}
