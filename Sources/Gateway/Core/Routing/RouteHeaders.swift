/// The header fields of a request, for routes that match by header.
public protocol RouteHeaders {
    /// Whether any field with this name (lower case; names compare without regard to case) has a value that satisfies the condition.
    func hasValue(of name: UnsafeRawBufferPointer, where condition: (UnsafeRawBufferPointer) -> Bool) -> Bool
}
