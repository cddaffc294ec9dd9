/// A set of known fields, two machine words: what to skip, what is present.
public struct KnownFieldSet: Sendable, Equatable, ExpressibleByArrayLiteral {
    @usableFromInline var low: UInt64
    @usableFromInline var high: UInt64

    /// The empty set.
    @inlinable public init() {
        low = 0
        high = 0
    }

    /// The set of the listed fields.
    @inlinable public init(arrayLiteral elements: KnownField...) {
        self.init()
        for element in elements { insert(element) }
    }

    /// Whether the field is a member.
    @inlinable public func contains(_ field: KnownField) -> Bool {
        let raw = field.rawValue
        return raw < 64 ? low & (1 &<< UInt64(raw)) != 0 : high & (1 &<< UInt64(raw &- 64)) != 0
    }

    /// Makes the field a member.
    @inlinable public mutating func insert(_ field: KnownField) {
        let raw = field.rawValue
        if raw < 64 { low |= 1 &<< UInt64(raw) } else { high |= 1 &<< UInt64(raw &- 64) }
    }

    /// Makes the field no member.
    @inlinable public mutating func remove(_ field: KnownField) {
        let raw = field.rawValue
        if raw < 64 { low &= ~(1 &<< UInt64(raw)) } else { high &= ~(1 &<< UInt64(raw &- 64)) }
    }

    /// The members of either set.
    @inlinable public func union(_ other: KnownFieldSet) -> KnownFieldSet {
        var result = self
        result.low |= other.low
        result.high |= other.high
        return result
    }

    /// Makes the members of the other set no members.
    @inlinable public mutating func subtract(_ other: KnownFieldSet) {
        low &= ~other.low
        high &= ~other.high
    }

    /// Whether the sets share no member.
    @inlinable public func isDisjoint(with other: KnownFieldSet) -> Bool {
        (low & other.low) | (high & other.high) == 0
    }
}
