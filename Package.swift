// swift-tools-version: 6.2
import PackageDescription

let collections = "swift-collections"
let lifecycle: Target.Dependency = .product(
    name: "ServiceLifecycle", package: "swift-service-lifecycle")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")

let revision =
    Context.gitInformation.map {
        String($0.currentCommit.prefix(12)) + ($0.hasUncommittedChanges ? "+" : "")
    } ?? "unknown"

let package = Package(
    name: "berth",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-configuration", exact: "1.4.0"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", exact: "1.35.2"),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CProcess"),
        .target(
            name: "CRevision",
            cSettings: [.define("BERTH_REVISION", to: "\"\(revision)\"")]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(
            name: "Postgres",
            dependencies: [
                "CLibPQ",
                .product(name: "DequeModule", package: collections),
                .product(name: "HeapModule", package: collections),
                logging, lifecycle,
            ],
            // Whoever decodes rows has the decoders of their types made for them: generic ones take a third longer.
            swiftSettings: [
                .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release))
            ]),
        .target(name: "PostgresCluster", dependencies: ["CProcess", logging, lifecycle]),
        .target(
            name: "BerthSQL", path: "sql", exclude: ["schema.sql"],
            resources: [.copy("audit"), .copy("migrations")]),
        .target(name: "ICalendar"),
        .target(name: "BerthCore", dependencies: ["ICalendar"]),
        .target(
            name: "BerthDatabase",
            dependencies: [
                "BerthCore", "BerthSQL", "ICalendar", "Postgres",
                .product(name: "DequeModule", package: collections),
                .product(name: "OrderedCollections", package: collections),
                crypto, logging,
            ]),
        .target(
            name: "BerthServer",
            dependencies: [
                "BerthCore", "BerthDatabase", "CZlib",
                .product(name: "DequeModule", package: collections),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                crypto, lifecycle, logging,
            ],
            resources: [.copy("openapi.yaml"), .copy("Page/Assets")]),
        .target(
            name: "BerthClient",
            dependencies: [
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOFoundationCompat", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        .executableTarget(
            name: "berth",
            dependencies: [
                "BerthClient", "BerthCore", "BerthDatabase", "BerthServer", "CRevision",
                "ICalendar",
                "Postgres", "PostgresCluster",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                logging, lifecycle,
            ]),

        .target(
            name: "BerthTestSupport",
            dependencies: ["BerthCore", "BerthDatabase", "Postgres", "PostgresCluster", logging],
            path: "Tests/BerthTestSupport"),
        .testTarget(
            name: "PostgresTests",
            dependencies: ["BerthTestSupport", "Postgres", logging, lifecycle]),
        .executableTarget(
            name: "cluster-holder", dependencies: ["PostgresCluster", logging],
            path: "Tests/ClusterHolder"),
        .testTarget(
            name: "PostgresClusterTests",
            dependencies: [
                "BerthTestSupport", "PostgresCluster", "cluster-holder", logging, lifecycle,
            ]),
        .testTarget(
            name: "ICalendarTests", dependencies: ["BerthTestSupport", "ICalendar"],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "BerthCoreTests", dependencies: ["BerthCore", "ICalendar"],
            resources: [.copy("Fixtures")]),
        .testTarget(
            name: "BerthServerTests",
            dependencies: [
                "BerthCore", "BerthDatabase", "BerthServer", "BerthTestSupport",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTesting", package: "hummingbird"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
                crypto, logging,
            ]),
        .testTarget(
            name: "BerthDatabaseTests",
            dependencies: [
                "BerthCore", "BerthDatabase", "BerthSQL", "BerthTestSupport", "ICalendar",
                "Postgres", logging,
            ]),
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["berth", "BerthCore", "BerthTestSupport", "CProcess", "Postgres"],
            exclude: ["Browser", "GeneratedClient"]),
    ]
)
