import Foundation

/// Places that tests read from and run.
package enum Paths {
    /// The package's top folder.
    package static let package = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// `Tests/Fixtures`: files made with reference implementations, each folder with its generator.
    package static let fixtures = package.appending(path: "Tests/Fixtures")

    /// `launch/sample`: the bundled dataset, vocabulary and model configuration.
    package static let sample = package.appending(path: "launch/sample")

    /// The launchers, by name: `local` and `cluster`.
    package static func launcher(_ name: String) -> String {
        package.appending(path: "launch/\(name)").path()
    }
}
