import Glibc

/// The benchmarks' own upstream, OTLP sink and stream clients; so cheap that the gateway under test is what is measured.
@main
struct LoadTool {
    static func main() {
        signal(SIGPIPE, SIG_IGN)
        do throws(LoadError) {
            try run(try Arguments(CommandLine.arguments))
        } catch {
            Output.line("pellucid-load: \(error)", to: STDERR_FILENO)
            exit(2)
        }
    }

    private static func run(_ arguments: Arguments) throws(LoadError) {
        switch arguments.verb {
        case "upstream": try serve(arguments, isSink: false)
        case "sink": try serve(arguments, isSink: true)
        case "sse": try StreamRun(arguments).run().printLine()
        case "idle": try IdleRun(arguments).run()
        case "help", "--help": Output.line(Arguments.help)
        default: throw .usage("unknown verb: \(arguments.verb)\n\(Arguments.help)")
        }
    }

    private static func serve(_ arguments: Arguments, isSink: Bool) throws(LoadError) -> Never {
        guard let port = UInt16(exactly: try arguments.number("port")) else { throw .usage("--port is out of range") }
        guard let format = Answers.Format(rawValue: try arguments.text("format", default: "openai")) else { throw .usage("--format is openai or anthropic") }
        let options = LoadServer.Options(
            port: port, events: try arguments.number("events", default: 100), rate: try arguments.decimal("rate", default: 0), isSink: isSink, format: format)
        try LoadServer(options).run()
    }
}
