import ArgumentParser
import GatewayCore
import Telemetry

/// `pellucid config`: what one does with configuration files.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "config", abstract: "Work with configuration files.", subcommands: [ConvertCommand.self])
}

/// `pellucid config convert`: a kong.conf as environment variables, with what becomes of every setting.
struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert", abstract: "Turn a kong.conf into environment variables for this gateway.",
        discussion: "Prints NAME=value lines for a shell or an environment file; settings without effect stand in comments with the reason, and are counted on standard error.")

    @Argument(help: "The kong.conf to read.") var file: String

    func run() throws {
        let text: String
        do throws(FileReader.Failure) { text = try FileReader.text(self.file) } catch {
            StandardError.print("\(self.file): \(error.description)")
            throw ExitCode(1)
        }
        let converted = KongConf.convert(text)
        print(converted.lines.joined(separator: "\n"))
        for problem in converted.problems { StandardError.print("\(self.file):\(problem)") }
        if converted.withoutEffect > 0 { StandardError.print("\(self.file): \(converted.withoutEffect) settings have no effect; the comments say why") }
        if !converted.problems.isEmpty { throw ExitCode(1) }
    }
}

/// The format of kong.conf: `name = value` lines, `#` begins a comment unless escaped (https://developer.konghq.com/gateway/manage-kong-conf/).
enum KongConf {
    struct Converted {
        var lines: [String] = []
        var problems: [String] = []
        var withoutEffect = 0
    }

    static func convert(_ text: String) -> Converted {
        var result = Converted()
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let content = self.uncommented(line).trimmed
            guard !content.isEmpty else { continue }
            guard let equals = content.firstIndex(of: "=") else {
                result.problems.append("\(index + 1): is no `name = value`")
                continue
            }
            let name = String(content[..<equals]).trimmed.lowercased()
            var value = String(content[content.index(after: equals)...]).trimmed
            if value.count >= 2, let quote = value.first, quote == "\"" || quote == "'", value.last == quote { value = String(value.dropFirst().dropLast()) }
            if let setting = KongSetting(rawValue: name) {
                result.lines.append("\(setting.variable)=\(self.quoted(value))")
            } else {
                result.withoutEffect += 1
                // Not the value: it may be a password.
                result.lines.append("# \(name): no effect: \(KongSetting.reason(for: name))")
            }
        }
        return result
    }

    private static func uncommented(_ line: Substring) -> String {
        var result = ""
        var isEscaped = false
        for character in line {
            if isEscaped {
                if character != "#" { result.append("\\") }
                result.append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "#" {
                return result
            } else {
                result.append(character)
            }
        }
        return isEscaped ? result + "\\" : result
    }

    /// For a shell: bare where nothing can be meant otherwise.
    private static func quoted(_ value: String) -> String {
        let isPlain = value.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || [0x2b, 0x2c, 0x2d, 0x2e, 0x2f, 0x3a, 0x40, 0x5f].contains(byte)
        }
        return isPlain && !value.isEmpty ? value : "'\(value.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''"))'"
    }
}

extension String {
    fileprivate var trimmed: String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
        return String(self.drop(while: isSpace).reversed().drop(while: isSpace).reversed())
    }
}
