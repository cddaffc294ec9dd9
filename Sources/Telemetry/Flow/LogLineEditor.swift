/// Changes a log line before the sink of one plugin gets it. Called on the drain thread only.
public protocol LogLineEditor: AnyObject, Sendable {
    /// - Parameter line: a JSON object without its closing brace, valid during the call.
    /// - Returns: the same in another version.
    func edited(_ line: UnsafeRawBufferPointer) -> [UInt8]
}
