#if OneDNN
    import COneDNN
    import Glibc
#endif

/// The release of oneDNN, as `2.6.3`; nil in a build without it.
package func oneDNNVersion() -> String? {
    #if OneDNN
        guard let version = dnnl_version()?.pointee else { return nil }
        return "\(version.major).\(version.minor).\(version.patch)"
    #else
        nil
    #endif
}

/// oneDNN's matrix products, on the calling thread alone, row-major as `product` describes them. Each returns whether
/// it has computed.
enum OneDNN {
    #if OneDNN
        static let isBuiltIn = true

        static func product(
            _ shape: ProductShape, singles a: Factor<Float>, _ b: Factor<Float>, into c: Matrix
        )
            -> Bool
        {
            keepToCallingThread()
            return dnnl_sgemm(
                letter(a), letter(b), dnnl_dim_t(shape.rows), dnnl_dim_t(shape.columns),
                dnnl_dim_t(shape.depth),
                1, a.pointer, dnnl_dim_t(a.stride), b.pointer, dnnl_dim_t(b.stride), shape.addend, c.pointer,
                dnnl_dim_t(c.stride)) == dnnl_success
        }

        static func product(
            _ shape: ProductShape, brainFloats a: Factor<BrainFloat>, _ b: Factor<BrainFloat>, into c: Matrix
        ) -> Bool {
            guard multipliesBrainFloats else { return false }
            keepToCallingThread()
            return dnnl_gemm_bf16bf16f32(
                letter(a), letter(b), dnnl_dim_t(shape.rows), dnnl_dim_t(shape.columns),
                dnnl_dim_t(shape.depth),
                1, a.pointer, dnnl_dim_t(a.stride), b.pointer, dnnl_dim_t(b.stride), shape.addend, c.pointer,
                dnnl_dim_t(c.stride)) == dnnl_success
        }

        private static func letter<Number>(_ factor: Factor<Number>) -> CChar {
            CChar(bitPattern: UInt8(ascii: factor.isTransposed ? "T" : "N"))
        }

        /// Without the instructions its products are no faster than those of singles, and not everywhere possible.
        private static let multipliesBrainFloats = Precision.slowBrain == nil

        /// Threads are ours. oneDNN asks OpenMP for its own, and OpenMP counts them for every thread that asks; a build
        /// of oneDNN on other means has no such function, and none of those threads either.
        private static func keepToCallingThread() { setThreadCount?(1) }

        private static let setThreadCount: (@convention(c) (CInt) -> Void)? = {
            guard let address = dlsym(nil, "omp_set_num_threads") else { return nil }
            return unsafeBitCast(address, to: (@convention(c) (CInt) -> Void).self)
        }()
    #else
        static let isBuiltIn = false

        static func product(
            _ shape: ProductShape, singles a: Factor<Float>, _ b: Factor<Float>, into c: Matrix
        )
            -> Bool
        { false }

        static func product(
            _ shape: ProductShape, brainFloats a: Factor<BrainFloat>, _ b: Factor<BrainFloat>, into c: Matrix
        ) -> Bool { false }
    #endif
}
