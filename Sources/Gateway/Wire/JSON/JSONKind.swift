/// The six kinds of JSON value.
public enum JSONKind: UInt8, Sendable {
    case object, array, string, number, bool, null
}
