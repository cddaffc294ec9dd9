/// The formats clients speak, one shared instance each.
public enum ClientFormats {
    public static let openAI: any ClientFormat = OpenAIFormat()
    public static let anthropic: any ClientFormat = AnthropicFormat()
    public static let gemini: any ClientFormat = GeminiFormat()
    public static let bedrock: any ClientFormat = BedrockFormat()
    public static let cohere: any ClientFormat = CohereFormat()
    public static let huggingFace: any ClientFormat = HuggingFaceFormat()
    public static let ollama: any ClientFormat = OllamaFormat()

    public static func format(_ name: ModelFormat) -> any ClientFormat {
        switch name {
        case .openai: self.openAI
        case .anthropic: self.anthropic
        case .gemini: self.gemini
        case .bedrock: self.bedrock
        case .cohere: self.cohere
        case .huggingface: self.huggingFace
        case .ollama: self.ollama
        }
    }
}
