#if DURE_TEST_FAULTS
    import Glibc

    /// A mistake that a test plants in a kernel's backward, to see that the gradient check finds it. Only builds of
    /// the tests have it.
    package final class PlantedFault: @unchecked Sendable {
        package enum Kernel: String, Sendable, CaseIterable {
            /// The gradient of LayerNorm's scale is half as large as it should be.
            case layerNormScale
            /// The gradient of what LayerNorm reads lacks its projection.
            case layerNormInput
            /// The softmax of attention is taken back without its projection.
            case attentionProjection
            /// The activation's derivative is a tenth too small above 0.
            case activationDerivative
            /// The last row of the gradient of a dense layer's weights is left out.
            case denseWeight
            /// What attention hands back is not a number.
            case attentionNotANumber
            /// A word that stands twice gets the gradient of the first place only.
            case repeatedWord
        }

        private let kernel: Kernel
        /// Which call of the kernel is wrong, counted from 0; nil all.
        private let call: Int?
        private var calls = 0

        package init(_ kernel: Kernel, call: Int? = nil) {
            self.kernel = kernel
            self.call = call
        }

        /// For what runs inside: one test's fault must not reach another's kernels.
        @TaskLocal package static var planted: PlantedFault?

        /// For a whole process: `DURE_TEST_FAULT=layerNormScale` or, for one call, `layerNormScale:2`.
        private static let ofProcess: PlantedFault? = {
            guard let text = getenv("DURE_TEST_FAULT").map({ String(cString: $0) }) else { return nil }
            let parts = text.split(separator: ":").map(String.init)
            return parts.first.flatMap(Kernel.init).map {
                PlantedFault($0, call: parts.count > 1 ? Int(parts[1]) : nil)
            }
        }()

        /// Whether this call of `kernel` is to be wrong. To be asked once a call, on the thread that makes it.
        static func strikes(_ kernel: Kernel) -> Bool {
            guard let fault = planted ?? ofProcess, fault.kernel == kernel else { return false }
            defer { fault.calls += 1 }
            return fault.call == nil || fault.call == fault.calls
        }
    }
#endif
