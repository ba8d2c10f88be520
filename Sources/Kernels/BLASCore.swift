/// The widest vector instructions for single precision: of a processor, or that kernels of OpenBLAS use.
package enum VectorWidth: Int, Comparable, Sendable {
    case sse, avx, avx2, avx512

    package static func < (left: VectorWidth, right: VectorWidth) -> Bool { left.rawValue < right.rawValue }

    /// Of the processor that this runs on.
    package static var ofProcessor: VectorWidth { VectorWidth(has: Processor.has) }

    /// That this build may use.
    package static var ofBuild: VectorWidth { VectorWidth(has: Processor.isBuiltFor) }

    /// Of a processor with these instruction sets, as far as OpenBLAS could use them.
    package init(has: (_ name: String) -> Bool) {
        if ["AVX512F", "AVX512VL", "AVX512BW", "AVX512DQ", "AVX512CD"].allSatisfy(has) {
            self = .avx512
        } else if has("AVX2"), has("FMA") {
            self = .avx2
        } else {
            self = has("AVX") ? .avx : .sse
        }
    }

    /// Of OpenBLAS's kernels for a core, by its name; nil for one that is not known here, as of later releases.
    /// Zen 4 and 5 run those for Cooperlake or SkylakeX; `Zen` stands for those before.
    package init?(blasCore: String) {
        switch blasCore.lowercased() {
        case "skylakex", "cooperlake", "sapphirerapids": self = .avx512
        case "haswell", "zen", "excavator": self = .avx2
        case "sandybridge", "bulldozer", "piledriver", "steamroller": self = .avx
        case "generic", "katmai", "coppermine", "northwood", "prescott", "banias", "yonah", "core2", "penryn",
            "dunnington", "nehalem", "atom", "athlon", "opteron", "opteron_sse3", "barcelona", "bobcat",
            "nano":
            self = .sse
        default: return nil
        }
    }

    /// As makers of processors write it.
    package var name: String {
        switch self {
        case .sse: "SSE"
        case .avx: "AVX"
        case .avx2: "AVX2"
        case .avx512: "AVX-512"
        }
    }
}

/// What to tell the user when OpenBLAS uses slower kernels than the processor can run; nil when it does not, or
/// when its core is not known here.
///
/// - core: as `blasCoreName()`; coreVariable: the value of `OPENBLAS_CORETYPE`, which overrides its choice.
package func slowBLASWarning(core: String, processor: VectorWidth, coreVariable: String?) -> String? {
    guard let kernels = VectorWidth(blasCore: core), kernels < processor else { return nil }
    let remedy =
        coreVariable.map { "unset OPENBLAS_CORETYPE, which is \($0)" }
        ?? "use a build of OpenBLAS that knows this processor"
    return
        "OpenBLAS uses its \(kernels.name) kernels for \(core) although the processor has \(processor.name), "
        + "which makes products slower: \(remedy)"
}
