import Foundation
import GatewayCore
import GatewayDocuments

/// One of Kong's plugin schemas, without its descriptions: names, types, defaults, limits.
struct KongSchema: Sendable {
    /// One field of a schema.
    struct Field: Sendable {
        let node: DocumentNode

        var type: String { self.node["type"]?.scalar?.text ?? "any" }
        var properties: [DocumentEntry] { self.node["properties"]?.entries ?? [] }
        var items: Field? { self.node["items"].map { Field(node: $0) } }
        var mapValues: Field? { self.node["additionalProperties"].flatMap { $0.entries == nil ? nil : Field(node: $0) } }
        /// Whether the object takes any member.
        var isOpen: Bool { self.node["additionalProperties"]?.scalar?.value == .boolean(true) }
        var choices: [DocumentNode]? { self.node["enum"]?.elements }
        var fallback: DocumentNode? { self.node["default"] }
        var required: [String] { self.node["required"]?.elements?.compactMap { $0.scalar?.text } ?? [] }
        var minimum: Double? { Self.number(self.node["minimum"]) }
        var maximum: Double? { Self.number(self.node["maximum"]) }

        private static func number(_ node: DocumentNode?) -> Double? {
            switch node?.scalar?.value {
            case .integer(let integer): Double(integer)
            case .number(let number): number
            default: nil
            }
        }
    }

    let root: Field

    init(plugin: String) throws {
        let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        let file = folder.appendingPathComponent("../../Fixtures/kong-schemas/\(plugin).json").standardizedFileURL
        let text = try String(contentsOf: file, encoding: .utf8)
        self.root = Field(node: try YAMLDocumentParser().parse(text, fileName: "\(plugin).json"))
    }
}
