import Distributed
import Foundation
import Kernels

// This target is built for any processor, so that it can say that another is needed; nothing of the targets that are
// not may be used here but the question itself.

/// The processor lacks instruction sets that the program was built for.
private struct UnsuitableProcessor: ExitCoded, CustomStringConvertible {
    let missing: [String]

    var exitCode: Int32 { 64 }

    var description: String {
        "this processor lacks instructions that the program was built for, \(missing.joined(separator: ", ")) "
            + "(\(hostName)): build it with launch/build on the oldest machine that is to "
            + "run it, or with DURE_MARCH=x86-64-v3 launch/build"
    }
}

/// Ends the process with a sentence where it would soon end with an illegal instruction. MPI is not initialised yet,
/// so ranks cannot agree on who speaks: the first of each host does, since another host may have what it needs.
func requireProcessor() {
    let mask = Processor.missingFeatures
    guard mask != 0 else { return }
    let missing = (0..<UInt32(UInt64.bitWidth)).filter { mask >> UInt64($0) & 1 == 1 }.map { bit in
        Processor.featureName(bit).map { String(cString: $0) } ?? "\(bit)"
    }
    let error = UnsuitableProcessor(missing: missing)
    if isFirstRankOfHost(ProcessInfo.processInfo.environment) {
        Failure.report(error)
    } else {
        // The launcher ends all ranks as soon as one fails: let the one that speaks be faster.
        sleep(1)
    }
    leave(error.exitCode)
}

/// By what launchers tell each process; a rank among all counts only where none tells that of the host.
private func isFirstRankOfHost(_ environment: [String: String]) -> Bool {
    let names = [
        "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "OMPI_COMM_WORLD_RANK", "SLURM_LOCALID", "PMIX_RANK",
        "PMI_RANK", "SLURM_PROCID",
    ]
    return names.lazy.compactMap { environment[$0] }.first ?? "0" == "0"
}

private var hostName: String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return "unknown host" }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
