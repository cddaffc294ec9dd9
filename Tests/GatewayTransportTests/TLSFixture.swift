import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Synchronization

/// A certificate authority and a server certificate for `localhost`, made by openssl in a folder of their own.
struct TestAuthority {
    let folder: URL
    var authorityPath: String { self.folder.appendingPathComponent("ca.pem").path }

    init() throws {
        self.folder = FileManager.default.temporaryDirectory.appendingPathComponent("pellucid-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: self.folder, withIntermediateDirectories: true)
        try Data("subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n".utf8).write(to: self.folder.appendingPathComponent("server.ext"))
        try self.openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=Test Authority", "-keyout", "ca.key", "-out", "ca.pem")
        try self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr")
        try self.openssl(
            "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "2", "-days", "30", "-extfile", "server.ext", "-out", "server.pem")
    }

    private struct OpenSSLFailed: Error { let output: String }

    private func openssl(_ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        process.currentDirectoryURL = self.folder
        let pipe = Pipe()
        process.standardError = pipe
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw OpenSSLFailed(output: String(decoding: output, as: UTF8.self)) }
    }

    func serverContext() throws -> NIOSSLContext {
        let certificates = try NIOSSLCertificate.fromPEMFile(self.folder.appendingPathComponent("server.pem").path)
        let key = try NIOSSLPrivateKey(file: self.folder.appendingPathComponent("server.key").path, format: .pem)
        return try NIOSSLContext(configuration: .makeServerConfiguration(certificateChain: certificates.map { .certificate($0) }, privateKey: .privateKey(key)))
    }

    func remove() { try? FileManager.default.removeItem(at: self.folder) }
}

/// An https origin that answers every request with `secret` and remembers the server names it was asked for.
final class TLSOrigin: Sendable {
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let names = Mutex<[String?]>([])
    private let channel = Mutex<(any Channel)?>(nil)

    var serverNames: [String?] { self.names.withLock { $0 } }
    var port: Int { self.channel.withLock { $0?.localAddress?.port } ?? 0 }

    func start(_ context: NIOSSLContext) async throws {
        let channel = try await ServerBootstrap(group: self.group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let sni = ByteToMessageHandler(
                        SNIHandler { [weak self] result in
                            if case .hostname(let name) = result { self?.names.withLock { $0.append(name) } } else { self?.names.withLock { $0.append(nil) } }
                            return channel.eventLoop.makeCompletedFuture {
                                try channel.pipeline.syncOperations.addHandlers([NIOSSLServerHandler(context: context), Answering()])
                            }
                        })
                    try channel.pipeline.syncOperations.addHandler(sni)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.channel.withLock { $0 = channel }
    }

    func stop() async {
        try? await self.channel.withLock { $0 }?.close().get()
        try? await self.group.shutdownGracefully()
    }

    private final class Answering: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private var received = ""

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            self.received += String(buffer: Self.unwrapInboundIn(data))
            while let range = self.received.firstRange(of: "\r\n\r\n") {
                self.received.removeSubrange(..<range.upperBound)
                context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret")), promise: nil)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
