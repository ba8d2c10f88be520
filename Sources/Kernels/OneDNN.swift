#if OneDNN
    import COneDNN
#endif

/// oneDNN's matrix products, on the calling thread alone.
enum OneDNN {
    #if OneDNN
        static let isBuiltIn = true

        /// As `oneDNN 2.6.3`.
        static var version: String? {
            guard let version = dnnl_version()?.pointee else { return nil }
            return "oneDNN \(version.major).\(version.minor).\(version.patch)"
        }
    #else
        static let isBuiltIn = false
        static let version: String? = nil
    #endif
}

/// The version of oneDNN, as `oneDNN 2.6.3`; nil where this build has none.
package func oneDNNVersion() -> String? { OneDNN.version }

/// Whether oneDNN takes the processor's instructions for bfloat16, as far as its variables let it.
package func oneDNNUsesBrainInstructions() -> Bool {
    #if OneDNN
        let needed = dnnl_cpu_isa_avx512_core_bf16.rawValue
        return dnnl_get_effective_cpu_isa().rawValue & needed == needed
    #else
        return false
    #endif
}
