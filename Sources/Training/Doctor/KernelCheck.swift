import Kernels
import Model

/// Whether this build computes on this processor what it should: logits, loss and every gradient of a small random model
/// of each kind, against double precision.
package struct KernelCheck: DoctorCheck {
    /// By the kind of model; nil where none could be made.
    var results = KernelCheck.measured()

    package func findings() -> [Finding] {
        let problems = results.compactMap { kind, result in
            problem(result).map { what in
                Finding.problem(
                    .kernels, what, at: "a small random \(kind)", remedy: GradientMismatch.remedy,
                    exitCode: 70)
            }
        }
        guard problems.isEmpty else { return problems }
        let tensors = results.reduce(0) { $0 + ($1.result?.tensors.count ?? 0) }
        return [
            .ok(
                .kernels,
                "forward and the gradients of \(tensors) tensors of small models agree with double precision")
        ]
    }

    private func problem(_ result: GradientCheckResult?) -> String? {
        guard let result, result.isFinite else { return "numbers that are not finite come up" }
        return GradientMismatch(result)?.what
    }

    /// Between them they have all that a model can have.
    private static func measured() -> [(kind: String, result: GradientCheckResult?)] {
        useSingleThreadedBLAS()
        let pool = WorkerPool(threadCount: 1)
        let kinds: [(ModelType, Activation)] = [(.bert, .gelu), (.electra, .geluNew), (.roberta, .relu)]
        return kinds.map { type, activation in
            let result = try? GradientCheck.ofTinyModel(type, activation, pool: pool)
            return ("\(type.rawValue) with \(activation.rawValue)", result ?? nil)
        }
    }
}
