import CProcessor

/// The processor that the kernels are built for, and the one they run on. A bit stands for an instruction set.
package enum Processor {
    /// Instruction sets that this build uses and the processor lacks, or the operating system does not enable:
    /// running on would end in an illegal instruction. To be asked before anything else, by code that is built
    /// for any processor.
    // Inlined elsewhere it would tell what that target is built for.
    @inline(never)
    package static var missingFeatures: UInt64 { dure_processor_missing() }

    /// The instruction set of one bit of `missingFeatures`, nil past the last.
    package static func featureName(_ bit: UInt32) -> UnsafePointer<CChar>? {
        dure_instruction_set_name(bit)
    }

    /// Whether the processor has the instruction set of this name and programs may use it.
    package static func has(_ name: String) -> Bool { features.contains(name) }

    /// Whether this build may use the instruction set of this name.
    @inline(never)
    package static func isBuiltFor(_ name: String) -> Bool { builtFor.contains(name) }

    /// The instruction sets of `missingFeatures`.
    package static var missingFeatureNames: [String] { names(missingFeatures) }

    private static let features = Set(names(dure_processor_has()))
    private static let builtFor = Set(names(dure_processor_built_for()))

    private static func names(_ mask: UInt64) -> [String] {
        (0..<UInt32(UInt64.bitWidth)).compactMap { bit in
            mask >> UInt64(bit) & 1 == 0 ? nil : featureName(bit).map { String(cString: $0) }
        }
    }
}
