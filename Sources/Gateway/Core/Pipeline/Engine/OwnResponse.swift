import GatewayWire
import NIOCore

/// Answers of the gateway itself.
enum OwnResponse {
    /// `{"message":…,"request_id":…}`, as Kong's error template has it.
    static func error(status: Int, message: String, requestID: String, date: String) -> GatewayResponse {
        let body = "{\n  \"message\":\(JSONQuoting.quoted(message)),\n  \"request_id\":\"\(requestID)\"\n}"
        return self.json(status: status, body: body, date: date)
    }

    /// OpenAI's error object (https://platform.openai.com/docs/guides/error-codes).
    static func openAIError(status: Int, message: String, type: StaticString, parameter: String?, code: StaticString, date: String) -> GatewayResponse {
        let body = self.openAIErrorBody(message: message, type: type, parameter: parameter, code: code)
        return self.json(status: status, body: body, date: date)
    }

    static func openAIErrorBody(message: String, type: StaticString, parameter: String?, code: StaticString) -> String {
        let parameter = parameter.map { JSONQuoting.quoted($0) } ?? "null"
        return "{\"error\":{\"message\":\(JSONQuoting.quoted(message)),\"type\":\"\(type)\",\"param\":\(parameter),\"code\":\"\(code)\"}}"
    }

    static func rejection(_ rejection: Rejection, requestID: String, date: String) -> GatewayResponse {
        var response =
            switch rejection.shape {
            case .kong: self.error(status: rejection.status, message: rejection.message, requestID: requestID, date: date)
            case .openAI(let type, let parameter):
                self.openAIError(status: rejection.status, message: rejection.message, type: type, parameter: parameter, code: rejection.shownCode ?? rejection.code, date: date)
            case .model(let format, let parameter):
                self.modelError(
                    ClientFormats.format(format),
                    ProviderError(status: rejection.status, message: rejection.message, code: rejection.shownCode ?? rejection.code, parameter: parameter), date: date)
            }
        for (name, value) in rejection.headers { _ = response.fields.append(name: name, value) }
        return response
    }

    /// An error in the format of a model's client.
    static func modelError(_ format: any ClientFormat, _ error: ProviderError, date: String) -> GatewayResponse {
        var response = self.json(status: error.status, body: "", date: date)
        response.body = format.encode(error)
        return response
    }

    private static func json(status: Int, body: String, date: String) -> GatewayResponse {
        var fields = HTTPFields(fieldCapacity: 8, byteCapacity: 384)
        _ = fields.append(.date, date)
        fields.append(.contentType, literal: "application/json; charset=utf-8")
        return GatewayResponse(status: status, fields: fields, body: ByteBuffer(string: body))
    }
}

/// JSON strings for answers, off the hot path.
enum JSONQuoting {
    static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case let s where s.value < 0x20:
                let hex = String(s.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }
}
