import Distributed
import Foundation

/// The MPI library, and the launcher that belongs to it.
package struct MPICheck: DoctorCheck {
    /// As `Open MPI v4.1.4`.
    let library: String
    /// What `mpirun --version` says; nil where there is none on `PATH`.
    let launcher: String?
    /// Whether a launcher started this process, so that the two did meet.
    let isLaunched: Bool

    package init(library: String, launcher: String?, isLaunched: Bool) {
        self.library = library
        self.launcher = launcher
        self.isLaunched = isLaunched
    }

    package func findings() -> [Finding] {
        let state = Finding.ok(.mpi, library)
        guard library.contains("Open MPI") else {
            return [
                .note(
                    .mpi, "the MPI library is \(library)",
                    remedy: "use Open MPI 4 or later: nothing else has been tried")
            ]
        }
        if let version = Self.version(library), version[0] < 4 {
            return [
                .note(.mpi, "the MPI library is old, \(library)", remedy: "use Open MPI 4 or later")
            ]
        }
        return [isLaunched ? nil : launcherFinding].compactMap(\.self) + [state]
    }

    private var launcherFinding: Finding? {
        guard let launcher else {
            return .note(
                .mpi, "there is no mpirun, so that only one process can train", at: "PATH",
                remedy: "install it (openmpi-bin), or put its folder into PATH")
        }
        guard let own = Self.version(library), let other = Self.version(launcher) else { return nil }
        // Releases of one series go together.
        guard own.prefix(2) != other.prefix(2) else { return nil }
        let name = launcher.split(separator: "\n").first.map(String.init) ?? launcher
        return .problem(
            .mpi, "mpirun is of another version than the library: \(name) against \(library)", at: "PATH",
            remedy: "put the folder of the library's mpirun first in PATH")
    }

    /// The first numbers with points between them in a text.
    static func version(_ text: String) -> [Int]? {
        let words = text.split { !($0.isASCII && ($0.isNumber || $0 == ".")) }
        return words.lazy.map { $0.split(separator: ".").compactMap { Int($0) } }.first { $0.count >= 2 }
    }
}
