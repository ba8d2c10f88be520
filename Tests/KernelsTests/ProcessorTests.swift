import Kernels
import Testing

@Suite struct ProcessorTests {
    @Test func whatRunsTheTestsHasWhatTheyWereBuiltFor() { #expect(Processor.missingFeatures == 0) }

    @Test(arguments: ["SkylakeX", "Cooperlake", "SAPPHIRERAPIDS"])
    func wideKernelsNeedNoWarning(core: String) {
        #expect(slowBLASWarning(core: core, hasAVX512: true, coreVariable: nil) == nil)
    }

    @Test func narrowKernelsOnAWideProcessorAreNamedWithTheVariableThatHoldsThemDown() throws {
        let warning = try #require(slowBLASWarning(core: "Haswell", hasAVX512: true, coreVariable: "Haswell"))
        #expect(warning.contains("Haswell") && warning.contains("OPENBLAS_CORETYPE"))
        #expect(slowBLASWarning(core: "Zen", hasAVX512: true, coreVariable: nil) != nil)
        #expect(slowBLASWarning(core: "Haswell", hasAVX512: false, coreVariable: "Haswell") == nil)
    }
}
