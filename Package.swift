// swift-tools-version: 6.2
import Foundation
import PackageDescription

// The processor the kernels are built for: `native` is the machine that builds; `x86-64-v3` runs on a
// mixed cluster. It drives Swift's own code generation too.
let march = ProcessInfo.processInfo.environment["DURE_MARCH"] ?? "native"
// Without `-fno-math-errno` every square root and fused multiply-add may be a call into the C library, and no
// loop over them becomes vector instructions.
let processor: [SwiftSetting] = [.unsafeFlags(["-Xcc", "-march=\(march)", "-Xcc", "-fno-math-errno"])]
// Kernels index raw memory whose bounds their callers have established, so unchecked arithmetic is
// worth its fifth there; they and the model stay optimised in debug builds, or tests take minutes.
let kernelSettings: [SwiftSetting] =
    processor + [
        .unsafeFlags(["-Ounchecked"], .when(configuration: .release)),
        .unsafeFlags(["-O"], .when(configuration: .debug)),
    ]
let modelSettings: [SwiftSetting] = processor + [.unsafeFlags(["-O"], .when(configuration: .debug))]

let package = Package(
    name: "dure",
    products: [.executable(name: "dure", targets: ["dure"])],
    traits: [
        .default(enabledTraits: ["OneDNN"]),
        .trait(
            name: "OneDNN",
            description: "Products of bfloat16, and a second library for those of single precision"),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
    ],
    targets: [
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(
            name: "CMPI", pkgConfig: "ompi-c", providers: [.apt(["libopenmpi-dev", "openmpi-bin"])]),
        .systemLibrary(name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"])]),
        .systemLibrary(name: "CProcessor"),
        .systemLibrary(name: "COpenMP"),
        // No pkg-config file comes with it.
        .systemLibrary(name: "COneDNN", providers: [.apt(["libdnnl-dev"])]),
        .target(name: "Core"),
        .target(
            name: "Kernels",
            dependencies: [
                "COpenBLAS", "CProcessor", .target(name: "COneDNN", condition: .when(traits: ["OneDNN"])),
            ],
            swiftSettings: kernelSettings),
        .target(name: "Model", dependencies: ["Kernels"], swiftSettings: modelSettings),
        .target(name: "Distributed", dependencies: ["CMPI", "Kernels"]),
        .target(
            name: "Checkpoints",
            dependencies: [
                "CHDF5", "Core", "Model", .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ],
            exclude: ["Generated/example.proto", "Generated/event.proto"]),
        .target(name: "QuestionAnswering", dependencies: ["Core"]),
        .target(
            name: "Reports", dependencies: ["Core", "Checkpoints", "QuestionAnswering"],
            resources: [
                .embedInCode("Page/report.css"), .embedInCode("Page/charts.js"),
                .embedInCode("Page/questions.js"),
            ]),
        .target(
            name: "Training",
            dependencies: [
                "Core", "Kernels", "Model", "Distributed", "Checkpoints", "QuestionAnswering", "Reports",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: processor),
        .executableTarget(
            name: "dure",
            dependencies: [
                "COpenMP", "Core", "Kernels", "Model", "Distributed", "Checkpoints", "QuestionAnswering",
                "Reports", "Training",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Yams", package: "Yams"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .target(name: "TestSupport", dependencies: ["Distributed", "Kernels"], path: "Tests/TestSupport"),
        .testTarget(name: "CoreTests", dependencies: ["Core"]),
        .testTarget(
            name: "KernelsTests", dependencies: ["Kernels", "TestSupport"], swiftSettings: modelSettings),
        .testTarget(
            name: "ModelTests", dependencies: ["Model", "Checkpoints", "TestSupport"],
            swiftSettings: processor),
        .testTarget(name: "DistributedTests", dependencies: ["Distributed", "Kernels", "TestSupport"]),
        .testTarget(name: "CheckpointsTests", dependencies: ["Checkpoints", "TestSupport"]),
        .testTarget(name: "QuestionAnsweringTests", dependencies: ["QuestionAnswering", "TestSupport"]),
        .testTarget(
            name: "ReportsTests",
            dependencies: ["Reports", "Checkpoints", "QuestionAnswering", "TestSupport"]),
        .testTarget(
            name: "TrainingTests",
            dependencies: ["Training", "TestSupport"], swiftSettings: processor),
        .testTarget(
            name: "CommandLineTests", dependencies: ["dure", "Checkpoints", "Kernels", "TestSupport"]),
    ],
    swiftLanguageModes: [.v6]
)
