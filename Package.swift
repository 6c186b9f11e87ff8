// swift-tools-version: 6.2

import Foundation
import PackageDescription

// script/fuzz says so: our own code is instrumented, and the fuzzer is an executable. What it tries is tested without
// it too.
let isFuzzing = Context.environment["FAAS_FUZZ"] != nil
let instrumented = ["-sanitize=fuzzer"]

let strict: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ] + (isFuzzing ? [.unsafeFlags(instrumented)] : [])

// A worker is forked for every function: one static binary means fewer mappings for each fork to copy,
// and no Swift library to find when the executable is moved.
let staticStandardLibrary: [LinkerSetting] = [.unsafeFlags(["-static-stdlib"])]

// The host too, in a release: it runs without a Swift toolchain, and calls into the standard library are calls
// (Benchmarks/JOURNAL.md). Foundation does not name what it is made of to the linker. Debug builds are linked often,
// and this takes ten seconds.
let staticFoundation: [LinkerSetting] =
    [.unsafeFlags(["-static-stdlib"], .when(configuration: .release))]
    + ["CoreFoundation", "_FoundationCollections", "_FoundationCShims", "_FoundationICU", "stdc++"]
    .map { .linkedLibrary($0, .when(configuration: .release)) }

// CPython is linked statically, as the system's own python3 is: the shared library is a quarter slower
// (Benchmarks/JOURNAL.md). script/python-object makes the object. Its symbols are exported, because extension modules
// look for them in the executable. Without the object, the shared library has to do.
let pythonObject = Context.packageDirectory + "/.build/python/python.o"
let hasPythonObject = FileManager.default.fileExists(atPath: pythonObject)
let staticPython: [LinkerSetting] =
    !hasPythonObject
    ? []
    : [
        // The object's code is not position-independent.
        .unsafeFlags(["-Xclang-linker", "-no-pie"]),
        .unsafeFlags([pythonObject, "--export-dynamic", "--no-gc-sections"].flatMap { ["-Xlinker", $0] }),
        .linkedLibrary("expat"), .linkedLibrary("z"), .linkedLibrary("m"),
    ]

let fuzzer: [Target] =
    !isFuzzing
    ? []
    : [
        .executableTarget(
            name: "faas-fuzz", dependencies: ["FuzzTargets"], path: "Fuzzing/faas-fuzz", swiftSettings: strict,
            linkerSettings: [.unsafeFlags(instrumented)])
    ]

let package = Package(
    name: "PolyglotFaaS",
    // Linux is what it runs on; this names the language features that it uses.
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "PolyglotFaaS", targets: ["PolyglotFaaS"]),
        .executable(name: "faas", targets: ["faas"]),
        .executable(name: "faas-worker-javascript", targets: ["JavaScriptWorker"]),
        .executable(name: "faas-worker-python", targets: ["PythonWorker"]),
        .executable(name: "faas-script-builder", targets: ["BuildWorker"]),
    ],
    dependencies: [
        // docs/dependencies.md gives the reason for each.
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        // The command line and the HTTP server. docs/architecture.md says what each target is for;
        // Tests/EndToEndTests/LayeringTests.swift refuses arrows that must not be.
        .executableTarget(
            name: "faas",
            dependencies: ["FaaSCommands", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: strict, linkerSettings: staticFoundation
        ),
        .target(
            name: "FaaSCommands",
            dependencies: [
                "Access", "Builds", "FaaSServer", "FileStorage", "FunctionModel", "FunctionService", "FunctionStorage",
                "PolyglotFaaS", "SystemCalls", "Telemetry",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "FaaSServer",
            dependencies: [
                "Access", "ControlPlane", "DataPlane", "FunctionModel", "FunctionService", "HostMemory", "SystemCalls",
                "Telemetry",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "ControlPlane",
            dependencies: [
                "Access", "DataPlane", "FunctionModel", "FunctionService", "FunctionStorage", "HostMemory",
                "SystemCalls",
                "Telemetry",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "DataPlane",
            dependencies: [
                "Access", "FunctionModel", "HostMemory", "Telemetry",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),

        // What they stand on.
        .target(
            name: "FunctionService",
            dependencies: [
                "Access", "Builds", "FunctionExecution", "FunctionModel", "FunctionStorage", "HostMemory",
                "SystemCalls",
                "Telemetry",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "Access", dependencies: ["FunctionModel", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: strict),
        .target(
            name: "Telemetry", dependencies: ["FunctionModel", "HostMemory", "SystemCalls"], swiftSettings: strict),
        .target(
            name: "Builds",
            dependencies: [
                "FunctionExecution", "FunctionModel", "HostMemory", "SystemCalls",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            resources: [
                "assert", "async_hooks", "buffer", "comparisons", "crypto", "os", "querystring", "timers",
                "timers-promises", "tty",
                "url",
                "util", "util-types",
            ].map {
                .embedInCode("NodeModules/\($0).js")
            },
            swiftSettings: strict
        ),
        .target(
            name: "FunctionStorage",
            dependencies: [
                "Access", "FunctionModel", "SystemCalls", .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "FileStorage",
            dependencies: [
                "Access", "FunctionModel", "FunctionStorage", "SystemCalls",
                .product(name: "Crypto", package: "swift-crypto"), .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),

        // The library: it never links an engine. `PolyglotFaaS` composes a runtime and its builds.
        .target(
            name: "PolyglotFaaS", dependencies: ["Builds", "FunctionExecution", "FunctionModel", "Telemetry"],
            swiftSettings: strict),
        .target(
            name: "FunctionExecution",
            dependencies: [
                "FunctionModel", "HostMemory", "SystemCalls", "Telemetry", "WorkerProtocol",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),
        .target(name: "FunctionModel", dependencies: ["JSON"], swiftSettings: strict),
        .target(name: "JSON", swiftSettings: strict),
        .target(name: "HostMemory", swiftSettings: strict),
        .target(name: "WorkerProtocol", swiftSettings: strict),

        // The workers: they never link NIO, Foundation or Dispatch.
        .target(
            name: "WorkerRuntime", dependencies: ["CMemoryRewind", "Sandbox", "SystemCalls", "WorkerProtocol"],
            swiftSettings: strict),
        .target(
            name: "Sandbox", dependencies: ["CSandbox", "CSeccomp", "SystemCalls", "WorkerProtocol"],
            swiftSettings: strict),
        .executableTarget(
            name: "JavaScriptWorker",
            dependencies: [
                "CJavaScriptCore", "CMemoryRefusal", "Sandbox", "SystemCalls", "WorkerProtocol", "WorkerRuntime",
            ],
            resources: ["harness", "hashes", "inspect", "node", "url", "web"].map { .embedInCode("\($0).js") },
            swiftSettings: strict,
            linkerSettings: staticStandardLibrary
        ),
        .executableTarget(
            name: "PythonWorker",
            dependencies: [
                "CMemoryRewind", "CNotedCalls", "CPython", "Sandbox", "SystemCalls", "WorkerProtocol", "WorkerRuntime",
            ],
            resources: [.embedInCode("harness.py")],
            swiftSettings: strict,
            linkerSettings: staticStandardLibrary + staticPython
        ),
        // Becomes esbuild, confined as workers are.
        .executableTarget(
            name: "BuildWorker", dependencies: ["Sandbox", "SystemCalls"], swiftSettings: strict,
            linkerSettings: staticStandardLibrary),

        // C fences.
        .target(name: "SystemCalls", dependencies: ["CLinuxShims"], swiftSettings: strict),
        .target(name: "CLinuxShims"),
        .target(name: "CNotedCalls", dependencies: ["CLinuxShims"]),
        .target(name: "CMemoryRefusal"),
        .target(name: "CSandbox"),
        .systemLibrary(name: "CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
        // Optimised in every configuration: it runs after every invocation, and a debug build of it is what tests would
        // measure.
        .target(name: "CMemoryRewind", dependencies: ["CLinuxShims"], cSettings: [.unsafeFlags(["-O2"])]),
        .systemLibrary(
            name: "CJavaScriptCore",
            pkgConfig: "javascriptcoregtk-4.1",
            providers: [.apt(["libjavascriptcoregtk-4.1-dev"])]
        ),
        .systemLibrary(
            name: "CPython",
            pkgConfig: hasPythonObject ? "python3" : "python3-embed",
            providers: [.apt(["libpython3-dev"])]
        ),

        // Tests, named after what they test.
        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict),
        // Fake workers, which say and do what a test asks for.
        .target(name: "FaaSTesting", path: "Tests/FaaSTesting", swiftSettings: strict),
        .testTarget(name: "AccessTests", dependencies: ["Access", "FunctionModel"], swiftSettings: strict),
        .testTarget(name: "FunctionModelTests", dependencies: ["FunctionModel"], swiftSettings: strict),
        .testTarget(name: "JSONTests", dependencies: ["FunctionModel", "JSON"], swiftSettings: strict),
        .testTarget(
            name: "FunctionStorageTests", dependencies: ["FunctionModel", "FunctionStorage", "TestSupport"],
            swiftSettings: strict),
        // What every implementation of the storage protocols must do.
        .target(
            name: "StorageContractTests", dependencies: ["Access", "FunctionModel", "FunctionStorage", "TestSupport"],
            path: "Tests/StorageContractTests", swiftSettings: strict),
        .testTarget(
            name: "FileStorageTests",
            dependencies: [
                "Access",
                "FileStorage", "FunctionModel", "FunctionStorage", "StorageContractTests", "SystemCalls", "TestSupport",
                .product(name: "GRDB", package: "GRDB.swift"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "FunctionServiceTests",
            dependencies: [
                "Access", "FileStorage", "FunctionExecution", "FunctionModel", "FunctionService", "FunctionStorage",
                "HostMemory",
                "Telemetry", "TestSupport",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "TelemetryTests", dependencies: ["FunctionModel", "HostMemory", "Telemetry", "TestSupport"],
            swiftSettings: strict),
        .testTarget(name: "HostMemoryTests", dependencies: ["HostMemory"], swiftSettings: strict),
        .testTarget(
            name: "BuildsTests",
            dependencies: ["Builds", "FunctionExecution", "FunctionModel", "HostMemory", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "FunctionExecutionTests",
            dependencies: [
                "FunctionExecution", "FunctionModel", "HostMemory", "SystemCalls", "Telemetry", "TestSupport",
                "WorkerProtocol",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "WorkerProtocolTests", dependencies: ["TestSupport", "WorkerProtocol"], swiftSettings: strict),
        .testTarget(
            name: "PolyglotFaaSTests",
            dependencies: [
                "Builds", "FaaSTesting", "FunctionExecution", "FunctionModel", "HostMemory", "PolyglotFaaS",
                "SystemCalls", "TestSupport", "WorkerProtocol",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            exclude: ["NodeModuleTests", "WebPlatformTests"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "AttackTests", dependencies: ["FunctionModel", "PolyglotFaaS", "TestSupport"],
            exclude: ["SystemCalls"],
            swiftSettings: strict),
        .testTarget(
            name: "FaaSServerTests",
            dependencies: [
                "Access", "ControlPlane", "DataPlane", "FaaSServer", "FileStorage", "FunctionModel", "FunctionService",
                "HostMemory", "PolyglotFaaS", "Telemetry", "TestSupport",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "EndToEndTests", dependencies: ["FaaSTesting", "FunctionModel", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "RewindTests",
            dependencies: ["CLinuxShims", "FunctionModel", "PolyglotFaaS", "SystemCalls", "TestSupport"],
            swiftSettings: strict),

        // What reads hostile bytes, for tests and for the fuzzer.
        .target(
            name: "FuzzTargets",
            dependencies: [
                "DataPlane", "FaaSServer", "FileStorage", "FunctionExecution", "FunctionModel", "FunctionService",
                "FunctionStorage", "HostMemory", "PolyglotFaaS", "WorkerProtocol",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            path: "Fuzzing/FuzzTargets", swiftSettings: strict),
        .testTarget(name: "FuzzTests", dependencies: ["FuzzTargets", "TestSupport"], swiftSettings: strict),
    ] + fuzzer
)
