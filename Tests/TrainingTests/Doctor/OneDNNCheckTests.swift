import Kernels
import Testing

@testable import Training

@Suite struct OneDNNCheckTests {
    private func oneDNN(
        _ version: String? = "2.6.3", processorHas: Bool = true, uses: Bool? = nil,
        environment: [String: String] = [:], openBLASRate: Double? = 100, rate: Double? = 100
    ) -> OneDNNCheck {
        OneDNNCheck(
            version: version, processorHasInstructions: processorHas, usesInstructions: uses ?? processorHas,
            environment: environment, openBLASRate: openBLASRate, rate: rate)
    }

    private func texts(_ check: OneDNNCheck) -> [String] { check.findings().map(\.what) }

    @Test func bothLibraryAndInstructionsMakeBrainFloatsPossible() {
        expectWell(oneDNN())
        #expect(texts(oneDNN(rate: nil)) == ["oneDNN 2.6.3: --precision bf16 is possible"])
    }

    @Test func aProcessorWithoutTheInstructionsNeedsNoLibrary() {
        for version in ["2.6.3", nil] {
            let check = oneDNN(version, processorHas: false, rate: nil)
            expectWell(check)
            #expect(texts(check).count == 1 && texts(check)[0].contains("processor lacks AVX512-BF16"))
        }
    }

    @Test func aBuildWithoutTheLibraryWastesTheInstructions() {
        expectFinding(
            .note, 0, "no oneDNN", "--precision bf16 is slow", "install libdnnl-dev", "launch/build",
            of: oneDNN(nil, uses: false, rate: nil))
    }

    @Test func aLibraryThatDoesNotUseTheInstructions() {
        expectFinding(.note, 0, "does not use", "later release", of: oneDNN(uses: false))
    }

    @Test func variablesThatMeddleWithOneDNN() {
        let restricted = oneDNN(uses: false, environment: ["ONEDNN_MAX_CPU_ISA": "AVX2"])
        expectFinding(
            .note, 0, "ONEDNN_MAX_CPU_ISA=AVX2", "makes --precision bf16 slow", "unset", of: restricted)
        #expect(!texts(restricted).contains { $0.contains("is possible") })
        expectFinding(.note, 0, "DNNL_MAX_CPU_ISA=ALL", of: oneDNN(environment: ["DNNL_MAX_CPU_ISA": "ALL"]))
    }

    @Test func theFasterLibraryIsNamed() {
        expectFinding(
            .note, 0, "oneDNN makes 130 GFLOP/s", "OpenBLAS 100", "--product-library onednn",
            of: oneDNN(rate: 130))
        for rate in [90.0, 104] {
            expectWell(oneDNN(rate: rate))
            #expect(texts(oneDNN(rate: rate)).last?.contains("would gain nothing") == true)
        }
        #expect(texts(oneDNN(openBLASRate: nil)).count == 1)
    }

    @Test func whatTrainingWouldRefuseIsAProblem() {
        var settings = ComputeSettings()
        settings.precision = .brain
        for version in ["2.6.3", nil] {
            var check = oneDNN(version, processorHas: false, rate: nil)
            check.choice = ProductChoice(settings, slowBrain: .withoutInstructions, hasLibrary: true)
            expectFinding(.problem, 64, "no bf16 instructions", "--allow-slow-precision", of: check)
        }
        settings.allowsSlowPrecision = true
        var check = oneDNN(processorHas: false)
        check.choice = ProductChoice(settings, slowBrain: .withoutInstructions, hasLibrary: true)
        expectWell(check)
    }

    @Test func thisBuildAndProcessor() {
        let check = OneDNNCheck(openBLASRate: 100)
        #expect((check.version != nil) == ProductLibrary.oneDNN.isBuiltIn)
        #expect((check.rate ?? 0 > 0) == ProductLibrary.oneDNN.isBuiltIn)
        #expect(check.version?.contains(/^\d+\.\d+\.\d+$/) ?? true)
        #expect(check.processorHasInstructions || !check.usesInstructions)
    }
}
