// swift-tools-version: 6.2
import PackageDescription

/// Compiler settings of every target: existentials are spelled out, imports are internal unless they are part of an interface, and no warning survives.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

// Sockets, timers, byte buffers: the event loops of the data plane.
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
// llhttp behind NIOHTTP1: only the oracle of the HTTP/1.1 tests and fuzzers, never in the product.
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
// EmbeddedChannel, for socket-free transport tests.
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
// nio-http2's HPACK: only the oracle of the tests and the fuzzer, never in the product.
let nioHPACK: Target.Dependency = .product(name: "NIOHPACK", package: "swift-nio-http2")
// TLS on both sides (BoringSSL): handshakes on the event loop, no thread hop.
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
// What Swift libraries report to: backends for them feed the gateway's own exporters.
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let coreMetrics: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let tracing: Target.Dependency = .product(name: "Tracing", package: "swift-distributed-tracing")
// The command line: verbs, help, completion.
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "pellucid",
    products: [
        .executable(name: "pellucid", targets: ["pellucid"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-nio-http2.git", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics.git", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing.git", from: "1.7.3"),
    ],
    targets: [
        // C libraries of the system (Debian's -dev packages), behind module maps and small shims.
        .target(name: "CCurl", path: "Sources/Exporters/C/CCurl", linkerSettings: [.linkedLibrary("curl")]),
        .target(name: "COTLP", path: "Sources/Exporters/C/COTLP", exclude: ["otlp.proto", "generate.sh"], linkerSettings: [.linkedLibrary("protobuf-c")]),
        .target(name: "COpenSSL", path: "Sources/Exporters/C/COpenSSL", linkerSettings: [.linkedLibrary("crypto")]),
        .target(name: "CLZ4", path: "Sources/Exporters/C/CLZ4", linkerSettings: [.linkedLibrary("lz4")]),
        .target(name: "CZlib", path: "Sources/Exporters/C/CZlib", linkerSettings: [.linkedLibrary("z")]),
        .target(name: "CYAML", path: "Sources/Gateway/C/CYAML", linkerSettings: [.linkedLibrary("yaml")]),
        .target(name: "CDecoding", path: "Sources/Gateway/C/CDecoding", linkerSettings: [.linkedLibrary("z"), .linkedLibrary("brotlidec")]),
        .target(name: "CCares", path: "Sources/Gateway/C/CCares", linkerSettings: [.linkedLibrary("cares")]),
        .target(name: "CLua", path: "Sources/Gateway/C/CLua", linkerSettings: [.linkedLibrary("luajit-5.1")]),
        .target(name: "CPCRE2", path: "Sources/Gateway/C/CPCRE2", linkerSettings: [.linkedLibrary("pcre2-8")]),

        // What every other target may see: recording, metrics, names.
        .target(name: "Telemetry", dependencies: [nioCore], path: "Sources/Telemetry", exclude: ["Backends"], swiftSettings: strict),
        // swift-log, swift-metrics and swift-distributed-tracing: a target of its own, so that recording depends on none of them.
        .target(
            name: "TelemetryBackends", dependencies: ["Telemetry", logging, coreMetrics, tracing], path: "Sources/Telemetry/Backends", swiftSettings: strict),
        // HTTP off the hot path: exporters, guard services, token fetches (libcurl on a thread of its own).
        .target(name: "SideClient", dependencies: ["Telemetry", "CCurl"], path: "Sources/Exporters/SideClient", swiftSettings: strict),
        // Encoding and delivery of evidence.
        .target(
            name: "Exporters", dependencies: ["Telemetry", "SideClient", "CCurl", "COTLP", "COpenSSL", "CLZ4", "CZlib"], path: "Sources/Exporters",
            exclude: ["C", "SideClient"], swiftSettings: strict),

        // Bytes only: HTTP/1.1, SSE, JSON.
        .target(name: "GatewayWire", dependencies: [nioCore], path: "Sources/Gateway/Wire", swiftSettings: strict),
        // Traffic, pipeline, configuration, routing: no sockets, no C.
        .target(name: "GatewayCore", dependencies: ["Telemetry", "GatewayWire", nioCore], path: "Sources/Gateway/Core", swiftSettings: strict),
        // YAML and JSON documents with positions (libyaml events).
        .target(name: "GatewayDocuments", dependencies: ["GatewayCore", "CYAML"], path: "Sources/Gateway/Documents", swiftSettings: strict),
        // Regular expressions (PCRE2) behind Core's protocol.
        .target(name: "GatewayPatterns", dependencies: ["GatewayCore", "CPCRE2"], path: "Sources/Gateway/Patterns", swiftSettings: strict),
        // Lua of configuration values (LuaJIT in a sandbox) behind Core's protocol.
        .target(name: "GatewayScripts", dependencies: ["GatewayCore", "GatewayWire", "CLua"], path: "Sources/Gateway/Scripts", swiftSettings: strict),
        // Personal data in text: bytes only.
        .target(name: "GatewayPII", path: "Sources/Gateway/PII", exclude: ["Lexicon/Names/SOURCES.md"], swiftSettings: strict),
        .target(
            name: "GatewayTransport",
            dependencies: ["GatewayCore", "GatewayWire", "Telemetry", "CCares", "CDecoding", "COpenSSL", nioCore, nioPosix, nioSSL, nioTLS],
            path: "Sources/Gateway/Transport", swiftSettings: strict),
        .target(name: "GatewayPlugins", dependencies: ["GatewayCore", "GatewayPII", "GatewayWire", "Telemetry", nioCore], path: "Sources/Gateway/Plugins", swiftSettings: strict),
        .target(name: "GatewayProviders", dependencies: ["GatewayCore", "GatewayWire", "Telemetry", nioCore], path: "Sources/Gateway/Providers", swiftSettings: strict),
        // Credentials for clouds: signatures, tokens.
        .target(
            name: "GatewayCredentials", dependencies: ["GatewayCore", "GatewayWire", "Telemetry", "COpenSSL", nioCore], path: "Sources/Gateway/Credentials", swiftSettings: strict),
        // Choosing targets: algorithms, circuits, retries; no sockets, no C.
        .target(name: "GatewayBalancing", dependencies: ["GatewayCore", "GatewayWire", "Telemetry", nioCore], path: "Sources/Gateway/Balancing", swiftSettings: strict),
        .target(name: "GatewayAdmin", dependencies: ["GatewayCore", "GatewayWire", "Telemetry", nioCore], path: "Sources/Gateway/Admin", swiftSettings: strict),
        .executableTarget(
            name: "pellucid",
            dependencies: [
                "Telemetry", "TelemetryBackends", "Exporters", "GatewayWire", "GatewayCore", "GatewayDocuments", "GatewayPatterns", "GatewayTransport", "GatewayPlugins",
                "GatewayProviders", "GatewayScripts", "GatewayCredentials", "GatewayBalancing", "GatewayAdmin", "GatewayPII", "SideClient", "COpenSSL", nioCore, nioPosix, nioSSL, argumentParser,
            ],
            path: "Sources/Gateway/App", swiftSettings: strict),

        // Generators, oracles and properties shared by the fuzzer and the unit tests.
        .target(name: "FuzzGenerators", dependencies: ["GatewayWire", "GatewayPII", nioCore, nioHTTP1, nioEmbedded, nioHPACK], path: "Tests/Fuzz/Generators", swiftSettings: strict),
        .executableTarget(
            name: "pellucid-fuzz", dependencies: ["FuzzGenerators", "GatewayWire", nioCore, nioHTTP1, nioEmbedded], path: "Tests/Fuzz", exclude: ["Generators"],
            swiftSettings: strict),
        // The load tool of the benchmarks: upstream, stream client, OTLP sink, on plain epoll.
        .systemLibrary(name: "CEpoll", path: "Tests/Performance/CEpoll"),
        .executableTarget(name: "pellucid-load", dependencies: ["CEpoll"], path: "Tests/Performance/Load", swiftSettings: strict),

        .testTarget(name: "GatewayWireTests", dependencies: ["GatewayWire", "FuzzGenerators", nioCore, nioHTTP1, nioEmbedded, nioHPACK], swiftSettings: strict),
        // What test targets share: finished requests kept as values, in-memory exchanges, an engine without sockets.
        .target(name: "TelemetryTestSupport", dependencies: ["Telemetry"], path: "Tests/Support/Telemetry", swiftSettings: strict),
        .target(
            name: "GatewayTestSupport",
            dependencies: [
                "TelemetryTestSupport", "GatewayBalancing", "GatewayCore", "GatewayWire", "GatewayDocuments", "GatewayPatterns", "GatewayScripts", "Telemetry", nioCore,
            ],
            path: "Tests/Support/Gateway", swiftSettings: strict),
        .testTarget(name: "TelemetryTests", dependencies: ["Telemetry", "TelemetryTestSupport"], swiftSettings: strict),
        .testTarget(name: "TelemetryBackendsTests", dependencies: ["TelemetryBackends", "Telemetry", "Exporters", logging, metrics, tracing], swiftSettings: strict),
        .testTarget(name: "ExportersTests", dependencies: ["Exporters", "SideClient", "Telemetry", "COTLP"], swiftSettings: strict),
        .testTarget(
            name: "GatewayCoreTests",
            dependencies: ["GatewayTestSupport", "TelemetryTestSupport", "GatewayCore", "GatewayWire", "GatewayDocuments", "GatewayPatterns", "Telemetry", nioCore],
            swiftSettings: strict),
        .testTarget(name: "GatewayScriptsTests", dependencies: ["GatewayScripts", "GatewayCore", "GatewayWire"], swiftSettings: strict),
        .testTarget(
            name: "GatewayBalancingTests", dependencies: ["TelemetryTestSupport", "GatewayBalancing", "GatewayCore", "GatewayWire", "Telemetry", nioCore], swiftSettings: strict),
        .testTarget(name: "GatewayPIITests", dependencies: ["GatewayPII", "FuzzGenerators"], swiftSettings: strict),
        .testTarget(name: "GatewayDocumentsTests", dependencies: ["GatewayDocuments", "GatewayCore"], swiftSettings: strict),
        .testTarget(
            name: "GatewayTransportTests",
            dependencies: [
                "GatewayTestSupport", "TelemetryTestSupport", "GatewayTransport", "GatewayCore", "GatewayWire", "Telemetry", nioCore, nioPosix, nioEmbedded, nioSSL, nioTLS,
            ], swiftSettings: strict),
        .testTarget(
            name: "GatewayPluginsTests",
            dependencies: [
                "GatewayTestSupport", "TelemetryTestSupport", "GatewayPlugins", "GatewayProviders", "GatewayCore", "GatewayDocuments", "GatewayPatterns", "GatewayScripts", "GatewayWire",
                "Telemetry", nioCore,
            ], swiftSettings: strict),
        .testTarget(name: "GatewayProvidersTests", dependencies: ["GatewayProviders", "GatewayCore", "GatewayWire", "Telemetry", nioCore], swiftSettings: strict),
        .testTarget(
            name: "GatewayCredentialsTests", dependencies: ["GatewayCredentials", "GatewayTestSupport", "TelemetryTestSupport", "GatewayCore", "GatewayWire", "Telemetry", nioCore],
            swiftSettings: strict),
        // Every catalogued plugin and provider passes one shared suite.
        .testTarget(
            name: "ContractTests",
            dependencies: ["GatewayTestSupport", "TelemetryTestSupport", "GatewayPlugins", "GatewayProviders", "GatewayCore", "GatewayWire", "Telemetry", nioCore],
            swiftSettings: strict),
        // What must not compile: swiftc is run on Tests/Fixtures/evasion against the modules of this build.
        .testTarget(name: "EvasionTests", dependencies: ["GatewayCore", "GatewayWire", "Telemetry", nioCore], swiftSettings: strict),
    ]
)
