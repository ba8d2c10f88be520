/// The numbers that matrix products multiply. They add up in single precision either way, and everything that is not
/// a product is computed in single precision.
package enum Precision: String, Sendable, Codable, CaseIterable {
    /// IEEE single precision.
    case single = "fp32"
    /// bfloat16, the upper half of a single: its range, and eight bits of its precision.
    case brain = "bf16"
}

/// Who computes matrix products of single precision.
package enum ProductLibrary: String, Sendable, Codable, CaseIterable {
    case openBLAS = "openblas"
    case oneDNN = "onednn"
}

/// Why products of bfloat16 are no faster here than those of single precision.
package enum SlowPrecision: Sendable, Equatable {
    /// This build has no oneDNN.
    case withoutLibrary
    /// The processor has no instructions for them.
    case withoutInstructions
    /// oneDNN does not take the instructions that the processor has: it is too old, or was told not to.
    case withoutUse
}

extension Precision {
    /// Why bfloat16 gains nothing on this machine, nil where it does.
    package static var slowBrain: SlowPrecision? {
        guard ProductLibrary.oneDNN.isBuiltIn else { return .withoutLibrary }
        guard Processor.has("AVX512BF16") else { return .withoutInstructions }
        return oneDNNUsesBrainInstructions() ? nil : .withoutUse
    }
}

extension ProductLibrary {
    /// Whether this build has the library.
    package var isBuiltIn: Bool {
        switch self {
        case .openBLAS: true
        case .oneDNN: OneDNN.isBuiltIn
        }
    }
}
