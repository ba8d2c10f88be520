import Kernels

/// The processor's vector instructions, against what the program was built for.
package struct ProcessorFeatureCheck: DoctorCheck {
    /// The widest that the processor has.
    var width = VectorWidth.ofProcessor
    /// The widest that the program may use.
    var built = VectorWidth.ofBuild
    /// Instruction sets that the program may use and the processor lacks.
    var missing = Processor.missingFeatureNames

    package func findings() -> [Finding] {
        guard missing.isEmpty else {
            return [
                .problem(
                    .processor,
                    "the processor lacks instructions that the program was built for, "
                        + missing.joined(separator: ", "),
                    remedy: "build it with launch/build on the oldest machine that is to run it, or with "
                        + "DURE_MARCH=x86-64-v3 launch/build")
            ]
        }
        let state = "the processor has \(width.name), the program is built for \(built.name)"
        if built < width {
            return [
                .note(
                    .processor, state, at: "DURE_MARCH",
                    remedy:
                        "build it with launch/build on this machine, unless it is to run on older ones too")
            ]
        }
        guard width >= .avx2 else {
            return [
                .note(
                    .processor, "\(state): kernels and products are several times slower than with AVX2",
                    remedy: "use a processor with AVX2 and FMA for more than a try")
            ]
        }
        return [.ok(.processor, state)]
    }
}
