/// Decides about every address a request is about to be sent to, after its name was resolved: what a name stands for at another time does not matter.
///
/// An address that is refused fails the request with ``SideFailure/Code/addressRefused``, unless the name has another one.
public final class SideAddressRule: Sendable {
    /// Called on the client's thread with a numeric address.
    let admits: @Sendable (String) -> Bool

    public init(_ admits: @escaping @Sendable (String) -> Bool) { self.admits = admits }
}
