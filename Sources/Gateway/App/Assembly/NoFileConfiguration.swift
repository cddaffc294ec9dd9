import ArgumentParser
import GatewayCore
import GatewayProviders

/// The mode without a file: providers whose key, or whose server's address where it is the operator's own, is in the environment, served at /v1.
enum NoFileConfiguration {
    /// The configuration text; keys stay references to the environment.
    ///
    /// - Parameter options: the proxy address becomes the loopback unless one was given.
    static func make(environment: [String: String], options: inout ProcessOptions, isOpenAllowed: Bool) throws -> String {
        let providers = ProviderCatalog.directory.all.filter { adapter in
            let variable = adapter.descriptor.isSelfHosted ? self.baseVariable(adapter.descriptor) : "\(adapter.descriptor.keyVariable)"
            return !variable.isEmpty && environment[variable]?.isEmpty == false
        }
        guard !providers.isEmpty else {
            let descriptors = ProviderCatalog.directory.all.map(\.descriptor)
            let keys = descriptors.filter { !$0.isSelfHosted }.map { "\($0.keyVariable)" }.filter { !$0.isEmpty }.joined(separator: ", ")
            let bases = descriptors.filter(\.isSelfHosted).map { self.baseVariable($0) }.joined(separator: ", ")
            throw ValidationError(
                "nothing to serve: give --config FILE, or a provider's key in the environment (\(keys)), or your own server's address (\(bases)), or try `pellucid demo`")
        }
        let hasClientKey = environment["PELLUCID_API_KEY"]?.isEmpty == false
        if !options.hasExplicitProxyAddress { options.proxy = [ListenAddress(host: "127.0.0.1", port: 8000)] }
        if options.proxy.contains(where: { !$0.isLoopback }), !hasClientKey, !isOpenAllowed {
            throw ValidationError(
                "an address other than the loopback would let anybody use your keys: set PELLUCID_API_KEY, which clients must then send, or give --insecure-open")
        }
        return self.text(providers, environment, hasClientKey: hasClientKey)
    }

    private static func baseVariable(_ descriptor: ProviderDescriptor) -> String { "\(descriptor.name)".uppercased() + "_BASE_URL" }

    private static func text(_ providers: [any ProviderAdapter], _ environment: [String: String], hasClientKey: Bool) -> String {
        var list = ""
        for provider in providers {
            let key = "\(provider.descriptor.keyVariable)"
            list += "          - name: \(provider.descriptor.name)\n"
            if environment[key]?.isEmpty == false { list += "            key: \"{vault://env/\(key)}\"\n" }
            if let url = environment[self.baseVariable(provider.descriptor)], !url.isEmpty { list += "            base_url: \"\(url)\"\n" }
        }
        var text = "_format_version: \"3.0\"\nroutes:\n"
        for (path, type) in [
            ("/v1/chat/completions", "llm/v1/chat"), ("/v1/completions", "llm/v1/completions"), ("/v1/embeddings", "llm/v1/embeddings"), ("/v1/models", "models"),
            ("/v1/messages", "llm/v1/chat"),
        ] {
            text += "  - name: \(path.split(separator: "/").dropFirst().joined(separator: "-"))\n    paths: [\(path)]\n    strip_path: false\n    protocols: [http]\n"
            text += "    plugins:\n      - name: pellucid-direct\n        config:\n          route_type: \(type)\n"
            if path == "/v1/messages" { text += "          llm_format: anthropic\n" }
            if hasClientKey { text += "          client_key: \"{vault://env/PELLUCID_API_KEY}\"\n" }
            text += "          providers:\n\(list)"
        }
        return text
    }
}
