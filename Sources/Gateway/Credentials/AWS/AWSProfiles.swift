/// The shared files of the AWS SDKs (https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html).
struct AWSProfiles {
    /// The profile in use.
    let name: String
    /// Whether somebody asked for that profile by name.
    let isNamed: Bool
    private let profiles: [String: [String: String]]

    init(_ environment: CredentialEnvironment) {
        let named = environment.variable("AWS_PROFILE")
        self.name = named ?? "default"
        self.isNamed = named != nil
        let home = environment.variable("HOME").map { $0 + "/.aws/" }
        let config = environment.variable("AWS_CONFIG_FILE") ?? home.map { $0 + "config" }
        let credentials = environment.variable("AWS_SHARED_CREDENTIALS_FILE") ?? home.map { $0 + "credentials" }
        var profiles: [String: [String: String]] = [:]
        for section in AWSProfiles.read(config, environment) {
            // The configuration file calls all but the default "profile NAME".
            let name = section.name.hasPrefix("profile ") ? String(section.name.dropFirst(8)).trimmed : section.name == "default" ? section.name : nil
            if let name { profiles[name, default: [:]].merge(section.values) { _, new in new } }
        }
        for section in AWSProfiles.read(credentials, environment) { profiles[section.name, default: [:]].merge(section.values) { _, new in new } }
        self.profiles = profiles
    }

    private static func read(_ path: String?, _ environment: CredentialEnvironment) -> [(name: String, values: [String: String])] {
        guard let path, let text = environment.file(path) else { return [] }
        return self.sections(text)
    }

    subscript(name: String) -> [String: String]? { self.profiles[name] }

    /// The region of the profile in use.
    var region: String? { self.profiles[self.name]?["region"] }

    /// Sections of an INI file in order; nested settings (indented lines) are left out.
    static func sections(_ text: String) -> [(name: String, values: [String: String])] {
        var sections: [(name: String, values: [String: String])] = []
        for line in text.split(whereSeparator: \.isNewline) {
            guard let first = line.first, first != "#", first != ";", !first.isWhitespace else { continue }
            if first == "[", let end = line.firstIndex(of: "]") {
                sections.append((String(line[line.index(after: line.startIndex)..<end]).trimmed, [:]))
            } else if let equals = line.firstIndex(of: "="), !sections.isEmpty {
                var value = String(line[line.index(after: equals)...])
                // A comment may follow a value after a blank.
                for mark in [" #", " ;", "\t#", "\t;"] { if let comment = value.firstRange(of: mark) { value = String(value[..<comment.lowerBound]) } }
                sections[sections.count - 1].values[String(line[..<equals]).trimmed.lowercased()] = value.trimmed
            }
        }
        return sections
    }
}
