/// Resolves vault references against the environment it was given.
struct SecretResolver {
    /// What became of a reference.
    enum Resolution {
        case resolved(String)
        case unresolvable(problem: String, hint: String?)
    }

    /// A vault entity the resolver may use.
    struct Vault {
        /// Kong's vault type: `env`, `aws`, …
        let type: String
        /// Prefix of the environment variables.
        let prefix: String?
    }

    private let environment: [String: String]
    private var vaults: [String: Vault] = [:]
    /// Reads one string field of a JSON object, or nil; injected because Core has no JSON reader of its own.
    var jsonField: (@Sendable (_ json: String, _ key: String) -> String?)?

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
        var prefix = reference.prefix ?? ""
        if reference.vault != "env" {
            guard let vault = self.vaults[reference.vault] else {
                let hint = Suggestion.hint(for: reference.vault, among: ["env"] + self.vaults.keys.sorted())
                return .unresolvable(problem: "the vault \"\(reference.vault)\" is not defined", hint: hint ?? "add it to vaults, or use env")
            }
            guard vault.type == "env" else {
                return .unresolvable(problem: "the vault \"\(reference.vault)\" is of type \(vault.type), which is not supported", hint: "use env")
            }
            if reference.prefix == nil { prefix = vault.prefix ?? "" }
        }
        return self.read(reference, prefix: prefix)
    }

    private func read(_ reference: SecretReference, prefix: String) -> Resolution {
        // Kong upper-cases the name and turns '-' into '_' (kong/vaults/env/init.lua).
        let variable = String((prefix + reference.name).map { $0 == "-" ? "_" : $0 }).uppercased()
        guard let value = self.environment[variable] else {
            return .unresolvable(problem: "the environment variable \(variable) is not set", hint: nil)
        }
        guard let key = reference.key else { return .resolved(value) }
        guard let field = self.jsonField?(value, key) else {
            return .unresolvable(problem: "the environment variable \(variable) is not a JSON object with a string under \"\(key)\"", hint: nil)
        }
        return .resolved(field)
    }
}
