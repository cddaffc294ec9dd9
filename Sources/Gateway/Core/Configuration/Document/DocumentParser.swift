/// Turns the text of a configuration into a document.
///
/// Core knows no YAML library: the gateway injects one. A parser bounds size, depth and alias expansion, and refuses duplicate keys.
public protocol DocumentParser: Sendable {
    /// Parses one document.
    ///
    /// - Parameters:
    ///   - text: YAML or JSON.
    ///   - fileName: shown in messages; a name that ends in `.json` is held to JSON.
    /// - Throws: what is wrong, with its line.
    func parse(_ text: String, fileName: String) throws(ConfigurationError) -> DocumentNode
}
