import Foundation
import Kernels

/// Whether OpenBLAS uses what the processor has: the core it chose, the variables that meddle with it, and a short
/// product on one core.
package struct BLASCheck: DoctorCheck {
    var core = blasCoreName()
    var processor = VectorWidth.ofProcessor
    var environment = ProcessInfo.processInfo.environment
    /// GFLOP/s of a product on one core; nil where it is not to be measured.
    var rate: Double? = BLASCheck.measuredRate(of: .openBLAS)
    /// Of the processor; nil where the system does not say.
    var clockMegahertz = BLASCheck.clockMegahertz(contentsOfSystemFile("/proc/cpuinfo"))

    package func findings() -> [Finding] {
        let troubles = [slowCore, forcedCore, cacheSize, slowProduct].compactMap(\.self)
        guard troubles.isEmpty else { return troubles }
        let measured = rate.map { ", \(rounded($0, 0)) GFLOP/s on one core" } ?? ""
        return [.ok(.blas, "OpenBLAS uses its kernels for \(core)\(measured)")]
    }

    private var coreVariable: String? { environment["OPENBLAS_CORETYPE"] }

    private var slowCore: Finding? {
        guard let kernels = VectorWidth(blasCore: core), kernels < processor else { return nil }
        return .problem(
            .blas,
            "OpenBLAS uses its \(kernels.name) kernels for \(core) although the processor has "
                + "\(processor.name), which makes products slower",
            at: coreVariable.map { "OPENBLAS_CORETYPE=\($0)" },
            remedy: coreVariable == nil
                ? "use a build of OpenBLAS that knows this processor" : "unset OPENBLAS_CORETYPE")
    }

    private var forcedCore: Finding? {
        guard let coreVariable, slowCore == nil else { return nil }
        return .note(
            .blas,
            "OpenBLAS is told which kernels to use, \(core), instead of choosing them by the processor",
            at: "OPENBLAS_CORETYPE=\(coreVariable)",
            remedy: "unset OPENBLAS_CORETYPE; its last bits differ from those of other kernels")
    }

    private var cacheSize: Finding? {
        environment["OPENBLAS_L2_SIZE"].map { size in
            .note(
                .blas, "OpenBLAS is told the size of the second cache, by which it cuts products into blocks",
                at: "OPENBLAS_L2_SIZE=\(size)",
                remedy: "unset OPENBLAS_L2_SIZE unless the processor hides its size")
        }
    }

    /// Below this share of what the instructions allow something is wrong, or somebody else uses the core too.
    private static let leastShare = 0.35

    private var slowProduct: Finding? {
        guard let rate, let clockMegahertz, let kernels = VectorWidth(blasCore: core) else { return nil }
        let possible = clockMegahertz * kernels.operationsPerCycle / 1000
        guard rate < Self.leastShare * possible else { return nil }
        return .note(
            .blas,
            "a product runs at \(rounded(rate, 0)) GFLOP/s on one core, where \(kernels.name) at "
                + "\(rounded(clockMegahertz / 1000, 1)) GHz could make \(rounded(possible, 0))",
            remedy: "see whether other programs use the cores (top), or power saving or a quota slows them")
    }
}

extension VectorWidth {
    /// Of single precision: two fused multiply-adds a cycle, as far as there are such.
    fileprivate var operationsPerCycle: Double {
        switch self {
        case .sse: 8
        case .avx: 16
        case .avx2: 32
        case .avx512: 64
        }
    }
}

extension BLASCheck {
    /// GFLOP/s of single precision on one core: the best of some products within a fifth of a second, as others may use
    /// the core too.
    static func measuredRate(of library: ProductLibrary) -> Double {
        useSingleThreadedBLAS()
        let pool = WorkerPool(threadCount: 1, library: library)
        let size = 512
        let buffers = (0..<3).map { _ in FloatBuffer(count: size * size) }
        // Matrices do not keep the memory that they point to.
        return withExtendedLifetime(buffers) {
            for buffer in buffers { buffer.fill(0.5) }
            let matrices = buffers.map { Matrix($0.pointer, rows: size, columns: size) }
            let operations = 2 * Double(size * size * size)
            let clock = ContinuousClock()
            let end = clock.now + .milliseconds(200)
            var best = Duration.seconds(3600)
            while clock.now < end {
                best = min(best, clock.measure { product(pool, matrices[0], matrices[1], into: matrices[2]) })
            }
            return operations / best.seconds / 1e9
        }
    }

    static func clockMegahertz(_ information: String?) -> Double? {
        let values = (information ?? "").split(separator: "\n").filter { $0.hasPrefix("cpu MHz") }.compactMap
        {
            $0.split(separator: ":").last.flatMap { Double($0.filter { !$0.isWhitespace }) }
        }
        // A core that sleeps tells a lower one.
        return values.filter { $0 > 0 && $0.isFinite }.max()
    }
}
