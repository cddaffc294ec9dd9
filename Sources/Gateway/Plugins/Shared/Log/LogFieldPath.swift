import GatewayWire

/// The place of a field in a log line: `request.tags[1].name`, with `\.` for a point that is part of a name.
///
/// Source: https://developer.konghq.com/plugins/file-log/#custom-fields-by-lua
struct LogFieldPath: Equatable {
    enum Step: Equatable {
        case key(String)
        /// Of an array, counted from 1.
        case index(Int)
    }

    let steps: [Step]

    /// - Returns: nil for a text that is no path.
    init?(_ text: String) {
        var steps: [Step] = []
        var name = ""
        var isInName = true
        var rest = Substring(text)
        while let character = rest.popFirst() {
            switch character {
            case "\\" where rest.first == ".":
                name.append(rest.removeFirst())
            case ".":
                if isInName {
                    guard !name.isEmpty else { return nil }
                    steps.append(.key(name))
                }
                (name, isInName) = ("", true)
                if rest.isEmpty { return nil }
            case "[":
                if isInName {
                    guard !name.isEmpty else { return nil }
                    steps.append(.key(name))
                }
                let digits = rest.prefix { $0.isASCII && $0.isNumber }
                rest = rest.dropFirst(digits.count)
                guard let index = Int(digits), index > 0, index <= 1_000, rest.popFirst() == "]" else { return nil }
                steps.append(.index(index))
                (name, isInName) = ("", false)
                if let next = rest.first, next != ".", next != "[" { return nil }
            default: name.append(character)
            }
        }
        if isInName {
            guard !name.isEmpty else { return nil }
            steps.append(.key(name))
        }
        self.steps = steps
    }

    /// Puts a value there, with the objects and arrays that lead to it; null removes what stands there. What is neither object nor array on the way is left alone.
    func set(_ value: JSONValue, in root: inout JSONValue) { Self.set(value, self.steps[...], &root) }

    private static func set(_ value: JSONValue, _ steps: ArraySlice<Step>, _ target: inout JSONValue) {
        guard let step = steps.first else {
            target = value
            return
        }
        let rest = steps.dropFirst()
        switch step {
        case .key(let key):
            var members: [JSONValue.Member]
            switch target {
            case .object(let known): members = known
            case .null: members = []
            default: return
            }
            let place = members.lastIndex { $0.key == key }
            if rest.isEmpty, value == .null {
                if let place { members.remove(at: place) }
            } else if value == .null, place == nil {
                return
            } else {
                var inner = place.map { members[$0].value } ?? .null
                self.set(value, rest, &inner)
                if let place { members[place].value = inner } else { members.append(JSONValue.Member(key: key, value: inner)) }
            }
            target = .object(members)
        case .index(let index):
            var elements: [JSONValue]
            switch target {
            case .array(let known): elements = known
            case .null: elements = []
            default: return
            }
            if value == .null, index > elements.count { return }
            while elements.count < index { elements.append(.null) }
            self.set(value, rest, &elements[index - 1])
            target = .array(elements)
        }
    }
}
