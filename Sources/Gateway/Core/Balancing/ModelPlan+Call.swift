import GatewayWire
public import NIOCore

extension ModelPlan {
    /// The planned request as a call beside the path, for a copy whose answer nobody waits for. Of the client's fields nothing goes along.
    public func call(_ body: ByteBuffer, timeoutMilliseconds: Int) -> HTTPCall {
        var head = ForwardedHead(fields: HTTPFields(), skipped: [], lines: FieldLines())
        self.fields.apply(to: &head)
        var headers = [(name: "Content-Type", value: "application/json")]
        for line in String(buffer: head.lines.bytes).split(separator: "\r\n") {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { headers.append((String(parts[0]), String(parts[1].drop { $0 == " " }))) }
        }
        return HTTPCall(
            url: self.location.endpoint.origin + String(buffer: self.target), headers: headers, body: body, totalTimeoutMilliseconds: timeoutMilliseconds,
            maximumResponseBytes: 32 << 20, tls: HTTPCallTLS(verifiesPeer: self.location.endpoint.verifiesCertificate))
    }
}
