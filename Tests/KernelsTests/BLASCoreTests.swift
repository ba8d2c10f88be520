import Kernels
import Testing

@Suite struct BLASCoreTests {
    private static func warning(
        _ core: String, on processor: VectorWidth, variable: String? = nil
    ) -> String? {
        slowBLASWarning(core: core, processor: processor, coreVariable: variable)
    }

    @Test(arguments: ["SkylakeX", "Cooperlake", "SAPPHIRERAPIDS"])
    func wideKernelsNeedNoWarning(core: String) { #expect(Self.warning(core, on: .avx512) == nil) }

    @Test(arguments: ["GraniteRapids", "Zen7", "armv8", "Unknown", ""])
    func coresThatAreNotKnownAreNotCalledSlow(core: String) {
        #expect(Self.warning(core, on: .avx512, variable: core) == nil)
    }

    @Test func narrowKernelsAreNamedWithTheVariableThatHoldsThemDown() {
        #expect(
            Self.warning("Haswell", on: .avx512, variable: "Haswell")
                == "OpenBLAS uses its AVX2 kernels for Haswell although the processor has AVX-512, which makes "
                + "products slower: unset OPENBLAS_CORETYPE, which is Haswell")
        #expect(
            Self.warning("Prescott", on: .avx2)
                == "OpenBLAS uses its SSE kernels for Prescott although the processor has AVX2, which makes "
                + "products slower: use a build of OpenBLAS that knows this processor")
    }

    @Test(arguments: [
        "Zen", "Excavator", "Sandybridge", "Bulldozer", "Piledriver", "Steamroller", "Generic", "Katmai",
        "Coppermine", "Northwood", "Prescott", "Banias", "Core2", "Penryn", "Dunnington", "Nehalem", "Atom",
        "Athlon", "Opteron", "Opteron_SSE3", "Barcelona", "Bobcat", "Nano",
    ])
    func kernelsOfEveryOlderCoreAreSlowOnAWideProcessor(core: String) {
        #expect(Self.warning(core, on: .avx512) != nil)
        #expect(Self.warning(core, on: .sse) == nil)
    }

    @Test func kernelsAsWideAsTheProcessorAreNotSlow() {
        #expect(Self.warning("Haswell", on: .avx2, variable: "Haswell") == nil)
        #expect(Self.warning("Zen", on: .avx2) == nil)
        #expect(Self.warning("Sandybridge", on: .avx) == nil)
        #expect(Self.warning("Sandybridge", on: .avx2) != nil)
    }

    @Test func aProcessorIsAsWideAsAllThatOpenBLASNeeds() {
        let full: Set = ["AVX", "AVX2", "FMA", "AVX512F", "AVX512VL", "AVX512BW", "AVX512DQ", "AVX512CD"]
        #expect(VectorWidth(has: full.contains) == .avx512)
        #expect(VectorWidth(has: full.subtracting(["AVX512BW"]).contains) == .avx2)
        #expect(VectorWidth(has: ["AVX", "AVX2"].contains) == .avx)
        #expect(VectorWidth(has: { _ in false }) == .sse)
    }
}
