import Foundation
import TestSupport
import Testing

extension ProgramTests {
    /// `launch/install-packages`, `launch/build` and `launch/test` on machines with and without oneDNN.
    @Suite struct BuildScriptTests {
        private let note = "oneDNN (libdnnl-dev) is not here: building without --precision bf16"

        @Test func whatIsThereIsLeftAlone() async throws {
            let machine = try Machine(hasOneDNN: true)
            let result = try await machine.run("install-packages")
            #expect(result.exitCode == 0 && result.errors.isEmpty && result.output.isEmpty)
            #expect(machine.calls("apt-get").isEmpty)
        }

        @Test func aSystemWithoutAptGetBuildsWithoutOneDNN() async throws {
            let machine = try Machine(offered: nil)
            let result = try await machine.run("build")
            #expect(result.exitCode == 0 && result.errorLines == [note], "\(result.errorText)")
            #expect(result.outputLines == ["/build/dure"])
            #expect(machine.calls("swift").allSatisfy { $0.contains("--disable-default-traits") })
            #expect(machine.calls("swift").count == 2)
        }

        @Test func aDistributionWithoutOneDNNIsNotAskedForItEveryTime() async throws {
            let machine = try Machine(offered: ["libopenblas-dev"])
            let result = try await machine.run("install-packages")
            #expect(result.exitCode == 0 && result.errorLines == [note], "\(result.errorText)")
            #expect(machine.calls("apt-get").isEmpty)
        }

        @Test func whereTheDistributionHasItOneDNNIsInstalled() async throws {
            let machine = try Machine(offered: ["libopenblas-dev", "libdnnl-dev"])
            let result = try await machine.run("build")
            #expect(result.exitCode == 0 && result.errorLines == ["Installing libdnnl-dev"])
            #expect(machine.calls("apt-get").contains { $0.hasSuffix("libdnnl-dev") })
            #expect(!machine.calls("swift").contains { $0.contains("traits") })
        }

        @Test func aSystemThatWillNotInstallOneDNNBuildsWithoutIt() async throws {
            let machine = try Machine(offered: ["libdnnl-dev"], aptGet: "exit 100")
            let result = try await machine.run("install-packages")
            #expect(result.exitCode == 0 && result.errorLines == [note], "\(result.errorText)")
        }

        @Test(arguments: ["build", "test", "install-packages"])
        func oneDNNCanBeLeftOut(script: String) async throws {
            let machine = try Machine(offered: ["libdnnl-dev"], hasOneDNN: true)
            let result = try await machine.run(script, oneDNN: "no")
            #expect(!result.errorText.contains("oneDNN"))
            #expect(machine.calls("apt-get").isEmpty)
            #expect(machine.calls("swift").count == (script == "install-packages" ? 0 : 2))
            #expect(machine.calls("swift").allSatisfy { $0.contains("--disable-default-traits") })
        }

        @Test func testsAreBuiltWithOneDNNWhereItIs() async throws {
            let machine = try Machine(hasOneDNN: true)
            let result = try await machine.run("test")
            // No test ran.
            #expect(result.exitCode == 1 && result.outputLines.last == "0 passed, 0 failed")
            #expect(machine.calls("swift").count == 2)
            #expect(!machine.calls("swift").contains { $0.contains("traits") })
        }

        @Test func oneDNNCanBeInsistedOn() async throws {
            let machine = try Machine(offered: ["libopenblas-dev"])
            let result = try await machine.run("build", oneDNN: "yes")
            expectFailure(result, 1, "oneDNN is missing (DURE_ONEDNN=yes)", "libdnnl-dev")
            #expect(machine.calls("swift").isEmpty)
        }

        @Test(arguments: ["install-packages", "build", "test"])
        func anythingButYesAndNoIsWrongUsage(script: String) async throws {
            let machine = try Machine(hasOneDNN: true)
            let result = try await machine.run(script, oneDNN: "0")
            expectFailure(result, 64, "(DURE_ONEDNN=0)")
            #expect(machine.calls("swift").isEmpty)
        }
    }
}

/// A machine with everything that Dure needs but, perhaps, oneDNN. Its programs say what they were called with.
private struct Machine {
    private let folder: TemporaryFolder

    /// - offered: packages that apt-get could install; nil where there is no apt-get.
    /// - aptGet: what apt-get does when it is called.
    init(offered: [String]? = [], hasOneDNN: Bool = false, aptGet: String? = nil) throws {
        folder = try TemporaryFolder()
        for tool in ["awk", "bash", "cat", "dirname", "env", "find", "ln", "mktemp", "rm", "sh", "touch"] {
            let places = ["/usr/bin/\(tool)", "/bin/\(tool)"]
            let place = try #require(places.first(where: FileManager.default.isExecutableFile))
            try FileManager.default.createSymbolicLink(
                atPath: folder.file(tool), withDestinationPath: place)
        }
        for tool in ["pkg-config", "mpirun", "h5dump"] { try add(tool, "exit 0") }
        try add("swift", "case \"$*\" in *--show-bin-path*) echo /build ;; esac")
        // Makes the program that the last argument names.
        try add(
            "swiftc", "[ -e \(here) ] || exit 1\nfor last; do :; done\nln -s \(folder.file("env")) \"$last\"")
        try add("sudo", "[ \"$1\" != -n ] || shift\nexec \"$@\"")
        if hasOneDNN { _ = try folder.write([UInt8](), to: "oneDNN-is-here") }
        guard let offered else { return }
        try add("apt-get", aptGet ?? "case \"$*\" in *libdnnl-dev) touch \(here) ;; esac")
        try add(
            "apt-cache", "case \" \(offered.joined(separator: " ")) \" in *\" $2 \"*) echo \"$2\" ;; esac")
    }

    private var here: String { folder.file("oneDNN-is-here") }

    private func add(_ tool: String, _ script: String) throws {
        _ = try folder.write(script: "echo \"$*\" >>'\(folder.file("calls-\(tool)"))'\n\(script)", to: tool)
    }

    /// Runs a script of `launch` with nothing else on the PATH.
    func run(_ script: String, oneDNN: String? = nil) async throws -> ProgramResult {
        try await Program.run(
            [], program: Paths.launcher(script),
            environment: ["PATH": folder.path, "DURE_ONEDNN": oneDNN, "TMPDIR": folder.path])
    }

    /// Arguments of the calls of a program, in order.
    func calls(_ tool: String) -> [String] {
        let text = (try? String(contentsOfFile: folder.file("calls-\(tool)"), encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map(String.init)
    }
}
