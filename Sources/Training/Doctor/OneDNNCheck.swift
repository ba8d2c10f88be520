import Distributed
import Foundation
import Kernels

/// Whether `--precision bf16` is possible and gains something here, and which library is the faster one in single
/// precision.
struct OneDNNCheck: DoctorCheck {
    /// nil where this build has no oneDNN.
    var version = oneDNNVersion()
    /// What the run asks for.
    var choice = ProductChoice(ComputeSettings())
    var processorHasInstructions = Processor.has("AVX512BF16")
    var usesInstructions = oneDNNUsesBrainInstructions()
    var environment = ProcessInfo.processInfo.environment
    /// GFLOP/s of a product of single precision on one core; nil where it is not to be measured.
    var openBLASRate: Double?
    var rate: Double? = ProductLibrary.oneDNN.isBuiltIn ? BLASCheck.measuredRate(of: .oneDNN) : nil

    package func findings() -> [Finding] {
        guard let version else { return [withoutLibrary] + refusal }
        return [brain(version), forcedInstructions, rates].compactMap(\.self) + refusal
    }

    /// What training would refuse.
    private var refusal: [Finding] {
        do {
            try choice.require(host: hostName())
            return []
        } catch {
            return [.problem(.blas, error)]
        }
    }

    private var withoutLibrary: Finding {
        let what = "this build has no oneDNN"
        guard processorHasInstructions else {
            return .ok(.blas, "\(what); --precision bf16 would be no faster: the processor lacks AVX512-BF16")
        }
        return .note(
            .blas, "\(what), so that --precision bf16 is slow, although the processor has AVX512-BF16",
            remedy: "install libdnnl-dev and run launch/build again, without DURE_ONEDNN=no")
    }

    private func brain(_ version: String) -> Finding? {
        guard processorHasInstructions else {
            return .ok(
                .blas, "oneDNN \(version); --precision bf16 is no faster: the processor lacks AVX512-BF16")
        }
        guard usesInstructions || isRestricted else {
            return .note(
                .blas,
                "oneDNN \(version) does not use the processor's AVX512-BF16, so that --precision bf16 is slow",
                remedy: "use a later release of oneDNN (libdnnl-dev), and build again")
        }
        return usesInstructions ? .ok(.blas, "oneDNN \(version): --precision bf16 is possible") : nil
    }

    /// oneDNN reads the second where there is not the first.
    private static let variables = ["ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"]

    private var variable: String? { Self.variables.first { environment[$0]?.isEmpty == false } }

    private var isRestricted: Bool { variable != nil }

    private var forcedInstructions: Finding? {
        guard let variable, let value = environment[variable] else { return nil }
        let cost = processorHasInstructions && !usesInstructions ? ", which makes --precision bf16 slow" : ""
        return .note(
            .blas, "oneDNN is told which instructions it may use\(cost)", at: "\(variable)=\(value)",
            remedy: "unset \(variable)")
    }

    /// A product of one size says no more than this about others.
    private static let clearLead = 1.05

    private var rates: Finding? {
        guard let rate, let openBLASRate else { return nil }
        let what =
            "in single precision, oneDNN makes \(rounded(rate, 0)) GFLOP/s on one core and OpenBLAS "
            + rounded(openBLASRate, 0)
        guard rate > Self.clearLead * openBLASRate else {
            return .ok(.blas, "\(what): --product-library onednn would gain nothing")
        }
        return .note(
            .blas, "\(what): oneDNN is the faster one here", at: "--product-library openblas",
            remedy: "try --product-library onednn; dure bench gemm compares them for a model's own products")
    }
}
