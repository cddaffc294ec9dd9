import GatewayWire
import NIOCore

/// Resolves vault references against the environment and the files it was given.
struct SecretResolver {
    /// What became of a reference.
    enum Resolution {
        case resolved(String)
        case unresolvable(problem: String, hint: String?)
    }

    /// A vault entity the resolver may use.
    struct Vault {
        /// Kong's vault type: `env`, `fs`, `aws`, …
        let type: String
        /// Prefix of the environment variables, or the directory of the files.
        var prefix: String?
        /// Whether its secrets are Base64 of what they stand for.
        var isBase64 = false
    }

    private let environment: [String: String]
    private var vaults: [String: Vault] = [:]
    /// Reads one string field of a JSON object, or nil; injected because Core has no JSON reader of its own.
    var jsonField: (@Sendable (_ json: String, _ key: String) -> String?)?
    /// Reads a file of secrets; injected because Core opens no file.
    var files: SecretFileReader?

    init(environment: [String: String]) {
        self.environment = environment
    }

    mutating func add(_ vault: Vault, prefix: String) {
        self.vaults[prefix] = vault
    }

    func resolve(_ text: String) -> Resolution {
        guard let reference = SecretReference(parsing: text) else {
            return .unresolvable(
                problem: "\(ValueDescription.quoted(text)) is not a vault reference", hint: "write {vault://env/NAME} or {vault://env/NAME/key}")
        }
        guard let vault = reference.vault == "env" ? Vault(type: "env") : self.vaults[reference.vault] else {
            let hint = Suggestion.hint(for: reference.vault, among: ["env"] + self.vaults.keys.sorted())
            return .unresolvable(problem: "the vault \"\(reference.vault)\" is not defined", hint: hint ?? "add it to vaults, or use env")
        }
        let read: Resolution
        switch vault.type {
        case "env": read = self.variable(reference, prefix: reference.prefix ?? vault.prefix ?? "")
        case "fs": read = self.file(reference, directory: reference.prefix ?? vault.prefix ?? "")
        default: return .unresolvable(problem: "the vault \"\(reference.vault)\" is of type \(vault.type), which is not supported", hint: "use env or fs")
        }
        guard vault.isBase64, case .resolved(let encoded) = read else { return read }
        guard let decoded = Base64.decode(ByteBuffer(string: encoded.filter { !$0.isWhitespace })),
            let value = String(validating: decoded.readableBytesView, as: UTF8.self)
        else {
            return .unresolvable(problem: "the secret is not Base64 of a text, which base64_decode of the vault \"\(reference.vault)\" asks for", hint: nil)
        }
        return .resolved(value)
    }

    private func variable(_ reference: SecretReference, prefix: String) -> Resolution {
        guard reference.parts.count <= 2 else {
            return .unresolvable(problem: "a reference to an environment variable has a name and at most one key", hint: "write {vault://env/NAME} or {vault://env/NAME/key}")
        }
        // Kong upper-cases the name and turns '-' into '_' (kong/vaults/env/init.lua).
        let variable = String((prefix + reference.parts[0]).map { $0 == "-" ? "_" : $0 }).uppercased()
        guard let value = self.environment[variable] else {
            return .unresolvable(problem: "the environment variable \(variable) is not set", hint: nil)
        }
        guard reference.parts.count == 2 else { return .resolved(value) }
        return self.field(reference.parts[1], of: value, from: "the environment variable \(variable)")
    }

    /// A file below the vault's directory, or a field of a file that is a JSON object. Source: https://developer.konghq.com/gateway/entities/vault/file-system/
    private func file(_ reference: SecretReference, directory: String) -> Resolution {
        guard !reference.parts.contains(where: { $0 == "." || $0 == ".." || $0.utf8.contains(0) }) else {
            return .unresolvable(problem: "a reference to a file may not leave the vault's directory", hint: nil)
        }
        guard let files else { return .unresolvable(problem: "files are not read here", hint: nil) }
        let path = ([directory] + reference.parts).joined(separator: "/")
        let failure: SecretFileReader.Failure
        switch files.read(path) {
        case .success(let text): return .resolved(Self.withoutNewline(text))
        case .failure(let reason): failure = reason
        }
        if reference.parts.count > 1, let key = reference.parts.last {
            let parent = ([directory] + reference.parts.dropLast()).joined(separator: "/")
            if case .success(let json) = files.read(parent) { return self.field(key, of: json, from: "the vault's file \(parent)") }
        }
        return .unresolvable(problem: "the vault's file \(path) cannot be read: \(failure.reason)", hint: nil)
    }

    private func field(_ key: String, of json: String, from source: String) -> Resolution {
        guard let field = self.jsonField?(json, key) else {
            return .unresolvable(problem: "\(source) is not a JSON object with a string under \"\(key)\"", hint: nil)
        }
        return .resolved(field)
    }

    /// Without the newline that editors and `echo` put at the end: no header could carry it.
    private static func withoutNewline(_ text: String) -> String {
        var text = Substring(text)
        while text.last?.isNewline == true { text.removeLast() }
        return String(text)
    }
}

/// Reads files of secrets.
public struct SecretFileReader: Sendable {
    /// Why a file cannot be read, in words for the operator.
    public struct Failure: Error, Sendable {
        public let reason: String

        public init(reason: String) { self.reason = reason }
    }

    public let read: @Sendable (_ path: String) -> Result<String, Failure>

    /// - Parameter read: the file's text; UTF-8.
    public init(_ read: @escaping @Sendable (_ path: String) -> Result<String, Failure>) { self.read = read }
}
