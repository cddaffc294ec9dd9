/// Which versions of the semantic conventions are written beside the stable ones: what `OTEL_SEMCONV_STABILITY_OPT_IN` asks for.
///
/// The variable lists words with commas (https://opentelemetry.io/docs/specs/semconv/non-normative/http-migration/ and …/gen-ai/). This gateway always writes the stable HTTP names and
/// the latest GenAI ones, which is what `http` and `gen_ai_latest_experimental` ask for; `http/dup` adds the names of HTTP conventions 1.20 and before, for dashboards that are not moved
/// yet. The GenAI conventions define no word for both versions, and no other conventions apply.
public enum Vocabulary {
    /// Whether spans and metrics also have the former names of the HTTP conventions. Set once, before anything is recorded.
    nonisolated(unsafe) public static var writesFormerHTTP = false

    /// What a value of the variable asks for.
    public struct OptIn: Sendable, Equatable {
        public var writesFormerHTTP = false
        /// Words without effect, each with the reason.
        public var ignored: [String: String] = [:]

        public init(_ value: String) {
            for word in value.split(separator: ",").map({ $0.filter { $0 != " " } }) where !word.isEmpty {
                switch word {
                case "http", "gen_ai_latest_experimental": continue
                case "http/dup": self.writesFormerHTTP = true
                case "database", "database/dup", "messaging", "messaging/dup", "rpc", "rpc/dup", "code", "code/dup", "k8s", "k8s/dup":
                    self.ignored[word] = "this gateway writes nothing of these conventions"
                default: self.ignored[word] = "no convention defines this word"
                }
            }
        }
    }
}
