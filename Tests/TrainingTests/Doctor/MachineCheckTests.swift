import Kernels
import Testing

@testable import Training

/// Checks of the processor and what computes on it; each with a machine where it fails and one where it does not.
@Suite struct MachineCheckTests {
    @Test func aProcessorThatTheProgramWasNotBuiltFor() {
        expectWell(ProcessorFeatureCheck(width: .avx512, built: .avx512, missing: []))
        expectWell(ProcessorFeatureCheck(width: .avx2, built: .avx2, missing: []))
        expectFinding(
            .problem, 64, "AVX512F, AVX512VL", "DURE_MARCH",
            of: ProcessorFeatureCheck(width: .avx2, built: .avx512, missing: ["AVX512F", "AVX512VL"]))
        expectFinding(
            .note, 0, "AVX-512", "built for AVX2",
            of: ProcessorFeatureCheck(width: .avx512, built: .avx2, missing: []))
        expectFinding(
            .note, 0, "slower than with AVX2",
            of: ProcessorFeatureCheck(width: .sse, built: .sse, missing: []))
    }

    @Test func thisBuildRunsHere() {
        #expect(ProcessorFeatureCheck().missing.isEmpty)
        #expect(VectorWidth.ofBuild <= VectorWidth.ofProcessor)
    }

    private func blas(
        core: String = "SkylakeX", _ environment: [String: String] = [:], rate: Double? = 100
    ) -> BLASCheck {
        BLASCheck(
            core: core, processor: .avx512, environment: environment, rate: rate, clockMegahertz: 2500)
    }

    @Test func aSlowCoreOfOpenBLAS() {
        expectWell(blas())
        expectWell(blas(core: "a later release's"))
        expectFinding(
            .problem, 64, "AVX2 kernels for Haswell", "OPENBLAS_CORETYPE=Haswell", "unset OPENBLAS_CORETYPE",
            of: blas(core: "Haswell", ["OPENBLAS_CORETYPE": "Haswell"]))
        expectFinding(.problem, 64, "knows this processor", of: blas(core: "Prescott"))
    }

    @Test func variablesThatMeddleWithOpenBLAS() {
        expectFinding(
            .note, 0, "OPENBLAS_CORETYPE=SkylakeX", of: blas(["OPENBLAS_CORETYPE": "SkylakeX"]))
        expectFinding(.note, 0, "OPENBLAS_L2_SIZE=512", of: blas(["OPENBLAS_L2_SIZE": "512"]))
    }

    @Test func aProductFarBelowTheProcessor() {
        // 64 operations a cycle at 2.5 GHz.
        expectFinding(.note, 0, "20 GFLOP/s", "160", of: blas(rate: 20))
        expectWell(blas(rate: nil))
    }

    @Test func theClockIsTheFastestCores() {
        #expect(BLASCheck.clockMegahertz("model name: x\ncpu MHz\t\t: 800.5\ncpu MHz\t\t: 3000.0\n") == 3000)
        #expect(BLASCheck.clockMegahertz("cpu MHz : fast\n") == nil && BLASCheck.clockMegahertz(nil) == nil)
    }

    @Test func aProductIsMeasured() { #expect(BLASCheck.measuredRate(of: .openBLAS) > 0) }

    private func threads(
        _ ranks: [RankCores], batchSize: Int = 16, _ environment: [String: String] = [:]
    ) -> ThreadCheck {
        ThreadCheck(
            budget: ThreadBudget(ranks, rank: 0), ranks: ranks.count, batchSize: batchSize,
            environment: environment)
    }

    private let two = RankCores(host: "a", online: 4, processors: [0, 1, 2, 3], offered: [0, 1, 2, 3])

    @Test func ranksThatDoNotUseTheirCores() {
        expectWell(threads([two, two]))
        let bound = RankCores(host: "a", online: 4, processors: [0], offered: [0, 1, 2, 3])
        expectFinding(.problem, 64, "stay idle", "--bind-to none", of: threads([bound]))
    }

    @Test func moreThreadsThanCores() {
        var greedy = two
        greedy.requested = 8
        expectFinding(.problem, 64, "8 threads for 4 cores", "a", "--threads 4", of: threads([greedy]))
        var limited = two
        limited.quota = 2
        limited.requested = 4
        expectFinding(.problem, 64, "quota of 2 cores", "--threads 2", of: threads([limited]))
    }

    @Test func variablesOfOtherThreads() {
        expectFinding(
            .note, 0, "OMP_NUM_THREADS=1", "--threads", of: threads([two], ["OMP_NUM_THREADS": "1"]))
        expectWell(threads([two], ["OMP_NUM_THREADS": "4"]))
    }

    @Test func aBatchTooSmallForTheRanks() {
        expectFinding(
            .note, 0, "1 feature for 2 ranks", "--batch-size 1", of: threads([two, two], batchSize: 1))
    }

    private func limits(_ change: (inout LimitsCheck) -> Void = { _ in }) -> LimitsCheck {
        var check = LimitsCheck(
            openFiles: 1024, fileBytes: .max, addressSpace: .max, lockedBytes: 1 << 16, hasInfiniBand: false,
            ranks: 2, largestFile: 1 << 30)
        change(&check)
        return check
    }

    @Test func limitsOfTheProcess() {
        expectWell(limits())
        expectFinding(.problem, 64, "ulimit -n", of: limits { $0.openFiles = 32 })
        expectFinding(.problem, 74, "ulimit -f", "1.07 GB", of: limits { $0.fileBytes = 1 << 20 })
        expectFinding(.note, 0, "ulimit -f", of: limits { $0.fileBytes = 1 << 40 })
        expectFinding(.note, 0, "ulimit -v", of: limits { $0.addressSpace = 1 << 40 })
        expectFinding(.note, 0, "ulimit -l", of: limits { $0.hasInfiniBand = true })
    }
}
