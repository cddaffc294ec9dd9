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

@Suite struct InstantTests {
    @Test(arguments: [(0, "19700101T000000Z"), (951_782_400, "20000229T000000Z"), (1_700_000_000, "20231114T221320Z"), (4_102_444_799, "20991231T235959Z")])
    func `dates are written in the basic form and read in the extended one`(seconds: Int, basic: String) {
        #expect(String(decoding: Instant.basic(seconds), as: UTF8.self) == basic)
        let b = Array(basic)
        let iso = "\(String(b[0..<4]))-\(String(b[4..<6]))-\(String(b[6..<9]))\(String(b[9..<11])):\(String(b[11..<13])):\(String(b[13..<15]))Z"
        #expect(Instant.seconds(iso: iso) == seconds)
        #expect(Instant.seconds(iso: iso.dropLast() + ".123Z") == seconds)
    }

    @Test(arguments: ["", "2023-11-14", "2023-13-14T00:00:00Z", "2023-11-14T00:00:00+01:00", "2023-11-1xT00:00:00Z"])
    func `what is no date gives none`(text: String) { #expect(Instant.seconds(iso: text) == nil) }
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
