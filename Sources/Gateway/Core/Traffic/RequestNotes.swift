import Synchronization

/// What plugins keep of a request for its response: each under its instance's id, so that none finds another's.
///
/// Lives with the request; made when the first note is written.
public final class RequestNotes: Sendable {
    private let notes = Mutex<[String: any Sendable]>([:])

    public init() {}

    /// The note of an instance, where it left one of this type.
    public func note<Note: Sendable>(of instanceID: String, as type: Note.Type = Note.self) -> Note? {
        self.notes.withLock { $0[instanceID] as? Note }
    }

    /// Leaves a note; a second one replaces the first.
    public func leave(_ note: some Sendable, for instanceID: String) { self.notes.withLock { $0[instanceID] = note } }
}
