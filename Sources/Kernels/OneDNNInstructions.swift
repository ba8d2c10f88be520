#if OneDNN
    import COneDNN
#endif

/// Whether oneDNN takes the processor's instructions for bfloat16, as far as its variables let it.
package func oneDNNUsesBrainInstructions() -> Bool {
    #if OneDNN
        let needed = dnnl_cpu_isa_avx512_core_bf16.rawValue
        return dnnl_get_effective_cpu_isa().rawValue & needed == needed
    #else
        return false
    #endif
}
