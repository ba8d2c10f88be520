import ArgumentParser
import Checkpoints
import Foundation

/// Reads an HDF5 file completely, in the place of a process that must not crash: see `HDF5Probe`.
struct ProbeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: HDF5Probe.command, abstract: "Read an HDF5 file completely.", shouldDisplay: false)

    @Argument(help: "The file.")
    var path: String

    func run() throws {
        ForeignHDF5.setProbe(nil)
        // Connections of a run of ranks, which should end with the rank that has them.
        for descriptor in STDERR_FILENO + 1..<1024 { close(descriptor) }
        limitResources()
        var report = HDF5Probe.Report()
        do {
            try ForeignHDF5.readCompletely(path)
        } catch let error as CheckpointError {
            report.error = HDF5Probe.Failure(error)
        }
        try printResult(json: String(decoding: JSONEncoder().encode(report), as: UTF8.self))
    }

    /// What an undamaged file needs is far below.
    private func limitResources() {
        let size = HDF5Probe.size(of: path)
        limit(RLIMIT_CPU, to: HDF5Probe.seconds(for: size))
        limit(RLIMIT_AS, to: addressSpace() + 1 << 30 + 4 * size)
        limit(RLIMIT_CORE, to: 0)
    }

    private func limit(_ resource: __rlimit_resource, to most: Int) {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(resource.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = min(rlim_t(most), limit.rlim_max)
        setrlimit(__rlimit_resource_t(resource.rawValue), &limit)
    }

    /// Bytes that the process has taken by now.
    private func addressSpace() -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        let pages = text.split(separator: " ").first.flatMap { Int($0) } ?? 0
        return pages * sysconf(Int32(_SC_PAGESIZE))
    }
}
