import COpenBLAS
import CProcessor

/// The processor that the kernels are built for, and the one they run on.
package enum Processor {
    /// Instruction sets that this build uses and the processor lacks: running on would end in an illegal
    /// instruction. To be asked before anything else.
    package static var missingFeatures: [String] {
        names(of: dure_processor_built_for() & ~dure_processor_has())
    }

    /// Whether the processor has AVX-512, the widest registers that OpenBLAS has single-precision kernels for.
    package static var hasAVX512: Bool { names(of: dure_processor_has()).contains("AVX512F") }

    static func names(of mask: UInt32) -> [String] {
        (0..<32).filter { mask & (1 << $0) != 0 }.map {
            String(cString: dure_processor_feature_name(UInt32($0)))
        }
    }
}

/// What to tell the user when OpenBLAS uses kernels that are slower than the processor allows; nil when it
/// does not.
///
/// - core: as `blasCoreName()`; coreVariable: the value of `OPENBLAS_CORETYPE`, which overrides its choice.
package func slowBLASWarning(core: String, hasAVX512: Bool, coreVariable: String?) -> String? {
    let wide = ["skylakex", "cooperlake", "sapphirerapids"]
    guard hasAVX512, !wide.contains(core.lowercased()) else { return nil }
    let remedy =
        coreVariable.map { "unset OPENBLAS_CORETYPE, which is \($0)" }
        ?? "use a build of OpenBLAS that knows this processor"
    return "OpenBLAS uses its kernels for \(core), about half as fast as the AVX-512 that the processor has: "
        + remedy
}
