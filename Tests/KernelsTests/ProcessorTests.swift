import Kernels
import Testing

@Suite struct ProcessorTests {
    @Test func whatRunsTheTestsHasWhatTheyWereBuiltFor() { #expect(Processor.missingFeatures == 0) }

    @Test func everyInstructionSetHasANameOfItsOwn() {
        let names = (UInt32(0)..<64).compactMap { Processor.featureName($0).map { String(cString: $0) } }
        #expect(Set(names).count == names.count && names.contains("AVX2") && names.contains("AVX512FP16"))
        #expect(Processor.featureName(64) == nil)
    }

    @Test func aProcessorHasOnlyWhatExists() {
        #expect(!Processor.has("") && !Processor.has("AVX3"))
        // Nobody makes the one without the other.
        if Processor.has("AVX512F") { #expect(Processor.has("AVX2")) }
        if Processor.has("AVX2") { #expect(Processor.has("AVX") && Processor.has("SSE4.2")) }
    }
}
