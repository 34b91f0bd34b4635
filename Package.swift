// swift-tools-version: 6.2
import PackageDescription

let collections = "swift-collections"
let lifecycle: Target.Dependency = .product(
    name: "ServiceLifecycle", package: "swift-service-lifecycle")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")

let package = Package(
    name: "berth",
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CProcess"),
        .target(
            name: "Postgres",
            dependencies: [
                "CLibPQ",
                .product(name: "DequeModule", package: collections),
                .product(name: "HeapModule", package: collections),
                logging, lifecycle,
            ]),
        .target(name: "PostgresCluster", dependencies: ["CProcess", logging, lifecycle]),
        .target(name: "BerthSQL", path: "sql", resources: [.copy("migrations")]),
        .target(name: "BerthCore"),
        .target(
            name: "BerthDatabase",
            dependencies: [
                "BerthCore", "BerthSQL", "Postgres",
                .product(name: "DequeModule", package: collections),
                crypto, logging,
            ]),
        .target(
            name: "BerthTestSupport",
            dependencies: ["BerthCore", "BerthDatabase", "Postgres", "PostgresCluster", logging],
            path: "Tests/BerthTestSupport"),
        .testTarget(
            name: "BerthDatabaseTests",
            dependencies: ["BerthCore", "BerthDatabase", "BerthTestSupport", "Postgres"]),
    ]
)
