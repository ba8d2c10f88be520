import COpenBLAS
import CProcessor

/// The processor that the kernels are built for, and the one they run on.
package enum Processor {
    /// Instruction sets that this build uses and the processor lacks, a bit each: running on would end in an
    /// illegal instruction. To be asked before anything else, by code that is built for any processor.
    package static var missingFeatures: UInt32 { dure_processor_missing() }

    /// The instruction set of one bit of `missingFeatures`.
    package static func featureName(_ bit: UInt32) -> UnsafePointer<CChar> {
        dure_processor_feature_name(bit)
    }

    /// Whether the processor has AVX-512, the widest registers that OpenBLAS has single-precision kernels for.
    package static var hasAVX512: Bool { dure_processor_has() & dure_processor_avx512f() != 0 }
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
