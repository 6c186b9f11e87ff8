// swift-tools-version: 6.2

import PackageDescription

let package = Package(
    name: "EmbedInSwift",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "PolyglotFaaS", path: "../..")
    ],
    targets: [
        .executableTarget(
            name: "EmbedInSwift",
            dependencies: [
                .product(name: "PolyglotFaaS", package: "PolyglotFaaS"),
                // Builds the workers, and puts them beside this executable, where the library looks first.
                .product(name: "faas-worker-javascript", package: "PolyglotFaaS"),
                .product(name: "faas-worker-python", package: "PolyglotFaaS"),
                // Builds ES modules and TypeScript.
                .product(name: "faas-script-builder", package: "PolyglotFaaS"),
            ],
            swiftSettings: [.swiftLanguageMode(.v6)]
        )
    ]
)
