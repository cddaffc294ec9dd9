import Foundation
import GatewayCore
import GatewayWire
import NIOCore
import Testing

@testable import GatewayCredentials

@Suite struct SigV4Tests {
    private static func vectors() throws -> JSONView {
        let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        let data = try Data(contentsOf: folder.appendingPathComponent("../Fixtures/sigv4/vectors.json").standardizedFileURL)
        return try JSONDocument(ByteBuffer(bytes: data)).root
    }

    @Test func `signatures equal botocore's for generated requests`() throws {
        var count = 0
        for vector in try Self.vectors().elements {
            func text(_ key: StaticString) throws -> String { try #require(vector[key]?.string) }
            let content = AuthorizedContent(
                method: try #require(HTTPMethod(try text("method"))), target: ByteBuffer(string: try text("target")), host: try text("host"),
                contentType: vector["content_type"]?.string, body: ByteBuffer(string: try text("body")))
            let credentials = AWSCredentials(accessKeyID: try text("access_key"), secretAccessKey: try text("secret_key"), sessionToken: vector["token"]?.string)
            let signer = SigV4Signer(region: try text("region"), service: try text("service"))
            let seconds = try #require(vector["seconds"]?.int)
            // Twice: the second time with the kept key of the day.
            for _ in 0..<2 {
                let fields = try signer.sign(content, credentials, at: seconds)
                #expect(fields.first { $0.name == "Authorization" }?.value == vector["authorization"]?.string, "\(vector["target"]?.string ?? "")")
                #expect(fields.first { $0.name == "X-Amz-Date" }?.value == vector["date"]?.string)
                #expect(fields.first { $0.name == "X-Amz-Security-Token" }?.value == vector["token"]?.string)
            }
            count += 1
        }
        #expect(count == 80)
    }

    @Test func `another day and another secret give another key`() throws {
        let signer = SigV4Signer(region: "us-east-1", service: "bedrock")
        let content = AuthorizedContent(method: .get, target: ByteBuffer(string: "/"), host: "h", contentType: nil, body: ByteBuffer())
        func signature(_ secret: String, _ seconds: Int) throws -> String {
            try signer.sign(content, AWSCredentials(accessKeyID: "A", secretAccessKey: secret), at: seconds)[0].value
        }
        let first = try signature("one", 1_700_000_000)
        #expect(try signature("two", 1_700_000_000) != first)
        #expect(try signature("one", 1_700_086_400) != first)
        #expect(try signature("one", 1_700_000_000) == first)
    }
}

@Suite struct AWSProfilesTests {
    @Test func `sections and values, with comments and nested settings`() {
        let text = "# c\n[default]\nregion = eu-west-1 # here\n[profile dev]\r\naws_access_key_id=AKIA\r\ns3 =\n  max = 1\nempty\n[x]\n"
        let sections = AWSProfiles.sections(text)
        #expect(sections.map(\.name) == ["default", "profile dev", "x"])
        #expect(sections[0].values == ["region": "eu-west-1"])
        #expect(sections[1].values == ["aws_access_key_id": "AKIA", "s3": ""])
    }
}
